import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';

const { pool } = await createDatabase();
const [transaction = '', bound = ''] = blocksOf(
  'docs/guides/submitting.md',
  'In a SQL transaction',
  'sql',
  2,
);
const messages = blocksOf('docs/guides/submitting.md', 'In a SQL transaction', 'text', 2);
await registerDefinitions(pool, definitions);

/** What psql shows of the error that a statement ends with. */
async function shownError(statement: string): Promise<string> {
  const failed = await pool.query(statement).then(
    () => ({ message: 'none', detail: undefined }),
    (error: { message: string; detail?: string }) => error,
  );
  const detail = failed.detail === undefined ? '' : `DETAIL:  ${failed.detail}\n`;
  return `ERROR:  ${failed.message}\n${detail}`;
}

test('the transaction of submitting.md submits its task', async () => {
  await pool.query(transaction);
  const { rows } = await pool.query('select name, state, payload, tags from errand.tasks');
  expect(rows).toEqual([
    { name: 'text.count_words', state: 'queued', payload: { text: 'Call me Ishmael.' }, tags: ['welcome'] },
  ]);
});

test('the errors of submitting.md are those of errand.submit', async () => {
  expect([
    await shownError(`select errand.submit('example.echo', '{}', run_at => 'infinity')`),
    await shownError(`select errand.submit('example.echo', '{"n": 9007199254740993}')`),
  ]).toEqual(messages);
});

test('the row of submitting.md gives a role its namespaces', async () => {
  await pool.query(bound);
  const { rows } = await pool.query('select role::text, namespaces from errand.submitters');
  expect(rows).toEqual([{ role: 'billing_app', namespaces: ['billing', 'invoice'] }]);
});
