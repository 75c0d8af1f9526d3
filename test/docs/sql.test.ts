import { expect, test } from 'vitest';
import { registerDefinitions } from '../../store/definitions.ts';
import { definitions } from '../../tasks/index.ts';
import { createDatabase } from '../support/database.ts';
import { codeBlocks, documentText, section } from './documents.ts';

const database = await createDatabase();

test("README's transaction submits its task", async () => {
  const [transaction = ''] = codeBlocks(section(documentText('README.md'), 'In your own transaction'), 'sql');
  await registerDefinitions(database.pool, definitions);
  await database.pool.query(transaction);
  const { rows } = await database.pool.query('select name, state, payload, tags from errand.tasks');
  expect(rows).toEqual([
    { name: 'text.count_words', state: 'queued', payload: { text: 'Call me Ishmael.' }, tags: ['welcome'] },
  ]);
});
