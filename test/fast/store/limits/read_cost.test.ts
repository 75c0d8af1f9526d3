import type { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import { readLimitFigures } from '../../../../store/limits/figures.ts';
import { LIMIT_READ_LIMIT, listLimits, readLimit } from '../../../../store/limits/read.ts';
import {
  COMPARED_KEYS,
  readBusyKeys,
  readLimitKey,
  readLimitTasks,
} from '../../../../store/limits/read_keys.ts';
import { callLimit } from '../../../../store/operators/limits.ts';
import { createDatabase } from '../../../support/database.ts';
import { type Scan, scansOf } from '../../../support/plans.ts';
import { type Statement, watched } from '../../api/app.ts';

const KEYS = 3_000;
const PER_KEY = 10;
const { pool } = await createDatabase();
await pool.query(`
  insert into errand.limits (name, declared_slots) values ('big.x:key', 1), ('small.x', 5);
  insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
  select gen_random_uuid(), 'big.x:key', 'key ' || (number % ${KEYS}), 'big.x', '1', 0, now() - make_interval(secs => number), 0, now() - make_interval(secs => number), gen_random_uuid()
    from generate_series(1, ${KEYS * PER_KEY}) number;
  insert into errand.limit_slots (limit_name, key, task_id, dispatch_id, runner_id)
  select 'big.x:key', 'key ' || number, gen_random_uuid(), gen_random_uuid(), 1 from generate_series(1, ${KEYS}) number;
  analyze errand.limit_waits; analyze errand.limit_slots`);

/** The scans of slots and waits by the last statement that `run` sends. */
async function scansIn(mode: string, run: (database: Database) => Promise<unknown>): Promise<Scan[]> {
  const client = await pool.connect();
  try {
    await client.query(`begin; set local plan_cache_mode = ${mode}`);
    const statements: Statement[] = [];
    await run(watched(client as unknown as Pool, (statement) => statements.push(statement)));
    await client.query(`rollback; begin; set local plan_cache_mode = ${mode}`);
    const statement = statements.at(-1);
    if (statement === undefined) throw new Error('nothing was sent');
    const scans = await scansOf(client, statement);
    return scans.filter(({ table }) => table === 'limit_waits' || table === 'limit_slots');
  } finally {
    await client.query('rollback');
    client.release();
  }
}

const readOf = (scans: Scan[], table: string): number =>
  scans.filter((scan) => scan.table === table).reduce((sum, { read }) => sum + read, 0);

const READS: [string, (database: Database) => Promise<unknown>, number][] = [
  ['a page of limits', (database) => listLimits(database, { namespaces: null }, 50), LIMIT_READ_LIMIT + 1],
  ['a limit', (database) => readLimit(database, 'big.x:key', null), LIMIT_READ_LIMIT + 1],
  [
    'its busiest keys',
    (database) => readBusyKeys(database, 'big.x:key', 20),
    2 * (COMPARED_KEYS + 1) * (PER_KEY + 1),
  ],
  ['one key', (database) => readLimitKey(database, 'big.x:key', 'key 7'), PER_KEY],
  ['its tasks', (database) => readLimitTasks(database, 'big.x:key', undefined, null), LIMIT_READ_LIMIT],
  ['the tasks of a key', (database) => readLimitTasks(database, 'big.x:key', 'key 7', ['big']), PER_KEY],
  ['the figures for metrics', readLimitFigures, 2 * LIMIT_READ_LIMIT + 2],
];

// Statements with names are planned once for all values, after some time.
describe.each(['force_custom_plan', 'force_generic_plan'])('%s', (mode) => {
  test.each(READS)('%s is read by indexes, and by a bounded number of entries', async (_, run, most) => {
    const scans = await scansIn(mode, run);
    expect(scans.map(({ type }) => type)).not.toContain('Seq Scan');
    expect(readOf(scans, 'limit_waits')).toBeLessThanOrEqual(most);
    expect(readOf(scans, 'limit_slots')).toBeLessThanOrEqual(2 * LIMIT_READ_LIMIT);
  });
});

test('counts that stop are lower bounds, and say so', async () => {
  const found = await readLimit(pool, 'big.x:key', null);
  expect(found).toMatchObject({
    waiters: LIMIT_READ_LIMIT,
    waiters_is_capped: true,
    holders: KEYS,
    holders_is_capped: false,
  });
  const { keys, isCapped } = await readBusyKeys(pool, 'big.x:key', 20);
  expect(keys).toHaveLength(20);
  expect(keys[0]).toMatchObject({ waiters: PER_KEY, waiters_is_capped: false, holders: 1 });
  expect(isCapped).toBe(true);
});

test('those that wait are called for a thousand keys at a time, and every key has its turn', async () => {
  await pool.query(`update errand.limits set set_slots = 2, set_at = now() where name = 'big.x:key'`);
  let calls = 0;
  for (let from: string | null = ''; from !== null; calls++) from = await callLimit(pool, 'big.x:key', from);
  expect(calls).toBe(KEYS / 1_000);
  // Their tasks do not exist, so every wait that was looked at is gone.
  expect((await readLimit(pool, 'big.x:key', null))?.waiters).toBe(0);
});
