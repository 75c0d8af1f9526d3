import { expect, test } from 'vitest';
import { ORDER } from '../../../.ci/order.ts';
import { STATES, type State, TRANSITIONS } from '../../../core/states.ts';
import { blocksOf, documentText, section, tableRows } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';

const text = documentText('docs/architecture.md');
const schema = documentText('docs/schema.md');
const database = await createDatabase();

test('the drawn transitions are those of core/states.ts', () => {
  const [diagram = ''] = blocksOf('docs/architecture.md', 'States', 'mermaid', 1);
  const drawn = [...diagram.matchAll(/^ {2}(\w+) --> (\w+)(?:: .+)?$/gm)].map(
    ([, from, to]) => `${from} → ${to}`,
  );
  const legal = STATES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} → ${to}`));
  expect(drawn.sort()).toEqual(legal.sort());
});

test('the drawn ends are the states that nothing leads out of', () => {
  const [diagram = ''] = blocksOf('docs/architecture.md', 'States', 'mermaid', 1);
  const ends = [...diagram.matchAll(/^ {2}(\w+) --> \[\*\]$/gm)].map(([, state]) => state as State);
  expect(ends).toEqual(STATES.filter((state) => TRANSITIONS[state].length === 0));
});

test('the folders of the large rooms stand in the order that the checks hold', () => {
  const [, ...parts] = section(text, 'Rooms').split(/^\| `(\w+)\/` \| what it is \|\n\|---\|---\|$/m);
  const drawn = parts.flatMap((room, index) => {
    const rows = tableRows(parts[index + 1] ?? '');
    const named = rows.map(([cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, part]) => `${room}/${part}`),
    );
    return index % 2 === 0 ? [[room, named.map((row) => row.sort())]] : [];
  });
  expect(drawn).toEqual(
    Object.entries(ORDER).map(([room, rows]) => [room, rows.map((row) => [...row].sort())]),
  );
});

test('the tables and indexes are those of the database', async () => {
  const { rows } = await database.pool.query<{ name: string; table: string }>(`
    select indexname as name, tablename as table from pg_indexes where schemaname = 'errand'
    union all
    select schemaname || '.' || tablename, tablename from pg_tables where schemaname = 'errand'`);
  const named = tableRows(section(schema, 'Tables and indexes')).map(([cell = '']) =>
    cell.replaceAll('`', ''),
  );
  // A primary key explains itself.
  const existing = rows.map(({ name }) => name).filter((name) => !name.endsWith('_pkey'));
  expect(named.sort()).toEqual(existing.sort());
});
