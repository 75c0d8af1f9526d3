import { expect, test } from 'vitest';
import { STATES, type State, TRANSITIONS } from '../../core/states.ts';
import { createDatabase } from '../support/database.ts';
import { codeBlocks, documentText, section, tableRows } from './documents.ts';

const text = documentText('docs/architecture.md');
const database = await createDatabase();

test('the drawn transitions are those of core/states.ts', () => {
  const [diagram = ''] = codeBlocks(section(text, 'States'), 'mermaid');
  const drawn = [...diagram.matchAll(/^ {2}(\w+) --> (\w+)(?:: .+)?$/gm)].map(
    ([, from, to]) => `${from} → ${to}`,
  );
  const legal = STATES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} → ${to}`));
  expect(drawn.sort()).toEqual(legal.sort());
});

test('the drawn ends are the states that nothing leads out of', () => {
  const [diagram = ''] = codeBlocks(section(text, 'States'), 'mermaid');
  const ends = [...diagram.matchAll(/^ {2}(\w+) --> \[\*\]$/gm)].map(([, state]) => state as State);
  expect(ends).toEqual(STATES.filter((state) => TRANSITIONS[state].length === 0));
});

test('the tables and indexes are those of the database', async () => {
  const { rows } = await database.pool.query<{ name: string; table: string }>(`
    select indexname as name, tablename as table from pg_indexes where schemaname = 'errand'
    union all
    select schemaname || '.' || tablename, tablename from pg_tables where schemaname = 'errand'`);
  const named = tableRows(section(text, 'Tables and indexes')).map(([cell = '']) => cell.replaceAll('`', ''));
  // A primary key explains itself.
  const existing = rows.map(({ name }) => name).filter((name) => !name.endsWith('_pkey'));
  expect(named.sort()).toEqual(existing.sort());
});
