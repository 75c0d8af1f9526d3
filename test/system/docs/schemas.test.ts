import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { succeed } from '../../support/checkout/newcomer.ts';
import { createDatabase, openTestPool } from '../../support/database.ts';

const { url, pool } = await createDatabase('template0');
const billing = openTestPool(url, { errand: 'billing', worker: 'billing_worker' });
const suffix = randomBytes(6).toString('hex');
const [submission = ''] = blocksOf('docs/guides/schemas-and-rights.md', 'Two schemas', 'sql', 1);
const [roles = ''] = blocksOf('docs/guides/schemas-and-rights.md', 'Rights', 'sh', 1);
const [migrations = ''] = blocksOf(
  'docs/guides/schemas-and-rights.md',
  'Two Errands in one database',
  'sh',
  1,
);
const [drop = ''] = blocksOf('docs/guides/schemas-and-rights.md', 'Two Errands in one database', 'sql', 1);

const run = (command: string): Promise<string> => succeed(`env DATABASE_URL=${url} ${command}`, ROOT);

async function schemas(): Promise<string[]> {
  const { rows } = await pool.query<{ schema: string }>(
    `select nspname as schema from pg_namespace where nspname ~ '^(billing|shipping|errand)' order by 1`,
  );
  return rows.map(({ schema }) => schema);
}

test('the commands of schemas-and-rights.md make two Errands, one of which takes a task, has roles and is removed', async () => {
  for (const command of migrations.trim().split('\n')) await run(command);
  expect(await schemas()).toEqual(['billing', 'billing_worker', 'shipping', 'shipping_worker']);

  await registerDefinitions(billing, definitions);
  const { rows } = await pool.query(submission);
  const { rows: tasks } = await billing.query('select id from errand.tasks');
  expect(rows).toEqual(tasks);
  expect(rows.length).toBe(1);

  // Roles of this test alone: those of others are in the same cluster.
  const command = roles
    .replaceAll('\\\n', '')
    .replaceAll(/\b(billing_(?:owner|api|runner))\b/g, `$1_${suffix}`);
  const output = await run(command);
  await pool.query(output.slice(output.indexOf('begin;')));
  const { rows: rights } = await pool.query(
    `select has_schema_privilege(role, 'billing', 'usage') as own, has_table_privilege(role, 'billing_worker._private_jobs', 'delete') as worker,
            has_schema_privilege(role, 'shipping', 'usage') as other
       from unnest($1::text[]) role`,
    [[`billing_api_${suffix}`, `billing_runner_${suffix}`]],
  );
  expect(rights).toEqual(Array(2).fill({ own: true, worker: true, other: false }));

  await pool.query(drop);
  expect(await schemas()).toEqual(['shipping', 'shipping_worker']);
});
