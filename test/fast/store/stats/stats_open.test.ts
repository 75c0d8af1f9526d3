import { expect, test } from 'vitest';
import { countOpen, noneOpen, OPEN_LIMIT } from '../../../../store/stats/stats_open.ts';
import { createDatabase } from '../../../support/database.ts';
import { registerNames } from './finished.ts';

const { pool } = await createDatabase();
await registerNames(pool, 'a.one', 'a.two', 'b.one');

async function fill(name: string, state: string, count: number): Promise<void> {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select $1, '1.0.0', $2, 0, 1, now(), '{}' from generate_series(1, $3)`,
    [name, state, count],
  );
}

test('what is open is counted by name and state, in scope alone', async () => {
  await fill('a.one', 'queued', 3);
  await fill('a.one', 'running', 2);
  await fill('a.two', 'scheduled', 1);
  await fill('b.one', 'retrying', 4);
  await fill('b.one', 'waiting', 5);
  await fill('c.unknown', 'queued', 9);
  for (const state of ['succeeded', 'failed', 'cancelled', 'resolved']) await fill('a.one', state, 7);
  const none = noneOpen().states;
  expect(Object.fromEntries(await countOpen(pool, { namespaces: null }))).toEqual({
    'a.one': { states: { ...none, queued: 3, running: 2 }, isCapped: false },
    'a.two': { states: { ...none, scheduled: 1 }, isCapped: false },
    'b.one': { states: { ...none, retrying: 4, waiting: 5 }, isCapped: false },
  });
  const names = async (...scope: Parameters<typeof countOpen>[1][]): Promise<string[]> =>
    [...(await countOpen(pool, scope[0] ?? { namespaces: null })).keys()].sort();
  expect(await names({ namespaces: ['a'] })).toEqual(['a.one', 'a.two']);
  expect(await names({ namespaces: [] })).toEqual([]);
  expect(await names({ namespaces: ['a'], name: 'b.one' })).toEqual([]);
  expect(await names({ namespaces: ['a'], name: 'a.two' })).toEqual(['a.two']);
  expect(await names({ namespaces: null, name: 'c.unknown' })).toEqual([]);
});

test('counting ends at its limit', async () => {
  await pool.query('truncate errand.tasks cascade');
  await fill('a.one', 'queued', OPEN_LIMIT);
  const read = async (): Promise<unknown> => (await countOpen(pool, { namespaces: null })).get('a.one');
  expect(await read()).toMatchObject({ states: { queued: OPEN_LIMIT }, isCapped: false });
  await fill('a.one', 'queued', 1);
  expect(await read()).toMatchObject({ states: { queued: OPEN_LIMIT }, isCapped: true });
});
