import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { QUEUE_DEPTH_LIMIT, readNameDepths, readQueueDepths } from '../../../../store/stats/namespaces.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

/** Writes `count` tasks as they are, without dispatches. */
async function fill(name: string, state: string, runAt: string, count = 1): Promise<void> {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select $1, '1.0.0', $2, 0, 1, now() + $3::interval, '{}' from generate_series(1, $4)`,
    [name, state, runAt, count],
  );
}

test('what is due and waits is counted by namespace, of the given names alone', async () => {
  await fill('a.one', 'queued', '-1 second', 2);
  await fill('a.two', 'queued', '-30 seconds');
  await fill('a.two', 'retrying', '-40 seconds', 3);
  await fill('a.two', 'scheduled', '-5 seconds');
  for (const state of ['running', 'waiting', 'succeeded', 'failed', 'cancelled', 'resolved']) {
    await fill('a.one', state, '-1 hour');
  }
  await fill('a.one', 'scheduled', '1 hour');
  await fill('a.one', 'retrying', '1 hour');
  await fill('a.other', 'queued', '-1 hour');
  await fill('ab.one', 'queued', '-1 hour');
  const depths = await readQueueDepths(pool, ['a.one', 'a.two', 'b.none']);
  expect([...depths.keys()].sort()).toEqual(['a', 'b']);
  expect(depths.get('a')).toMatchObject({ depth: 7, isCapped: false });
  expect(depths.get('a')?.oldestWaitSecs).toBeGreaterThanOrEqual(40);
  expect(depths.get('a')?.oldestWaitSecs).toBeLessThan(100);
  expect(depths.get('b')).toEqual({
    ...{ depth: 0, isCapped: false, oldestWaitSecs: 0 },
    ...{ ready: 0, oldestReadySecs: 0 },
  });
  const byName = await readNameDepths(pool, ['a.one', 'a.two', 'b.none']);
  expect([...byName].map(([name, { depth }]) => [name, depth]).sort()).toEqual([
    ['a.one', 2],
    ['a.two', 5],
    ['b.none', 0],
  ]);
  expect(byName.get('a.one')?.oldestWaitSecs).toBeLessThan(40);
  expect(byName.get('a.two')?.oldestWaitSecs).toBeGreaterThanOrEqual(40);
  await pool.query('truncate errand.tasks cascade');
});

test('a workflow that is due does not wait itself, nor do steps that wait for others', async () => {
  await fill('a.flow', 'scheduled', '-1 hour');
  await pool.query(`update errand.tasks set children = 2, pending = 1`);
  await fill('a.flow.one', 'scheduled', '-5 seconds');
  await fill('a.flow.two', 'waiting', '-1 hour');
  const depths = await readNameDepths(pool, ['a.flow', 'a.flow.one', 'a.flow.two']);
  expect([...depths].map(([name, { depth }]) => [name, depth]).sort()).toEqual([
    ['a.flow', 0],
    ['a.flow.one', 1],
    ['a.flow.two', 0],
  ]);
  expect(depths.get('a.flow')?.oldestWaitSecs).toBe(0);
  const whole = (await readQueueDepths(pool, [...depths.keys()])).get('a');
  expect(whole).toMatchObject({ depth: 1, isCapped: false });
  expect(whole?.oldestWaitSecs).toBeLessThan(60);
  await pool.query('truncate errand.tasks cascade');
});

test('counting ends at its limit, and what it reads does too, whatever the table holds', async () => {
  // What must not be read: later ones and finished ones, before and after what is due.
  await fill('a.later', 'scheduled', '1 hour', 15_000);
  await fill('a.many', 'succeeded', '-1 hour', 15_000);
  await fill('a.many', 'queued', '-1 minute', QUEUE_DEPTH_LIMIT);
  await fill('b.few', 'retrying', '1 hour', 15_000);
  await fill('b.few', 'retrying', '-1 minute', 3);
  await pool.query('analyze errand.tasks');
  const names = ['a.later', 'a.many', 'b.few'];
  expect(await measured(names)).toMatchObject({
    a: { depth: QUEUE_DEPTH_LIMIT, isCapped: false },
    b: { depth: 3, isCapped: false },
  });
  await fill('a.many', 'queued', '-1 minute', 20_000);
  await fill('a.as_many', 'queued', '-1 minute', 9_000);
  await fill('a.as_many', 'retrying', '-1 minute', 9_000);
  names.push('a.as_many');
  expect(await measured(names)).toMatchObject({
    a: { depth: QUEUE_DEPTH_LIMIT, isCapped: true },
    b: { depth: 3 },
  });
  // The statistics still say that most are queued.
  await pool.query(`update errand.tasks set state = 'succeeded' where name in ('a.many', 'a.as_many')`);
  expect(await measured(names)).toMatchObject({ a: { depth: 0, isCapped: false }, b: { depth: 3 } });
});

/** Reads, and holds what was read of the table to the limit. */
async function measured(names: string[]): Promise<object> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const before = await readSoFar(client);
    const depths = await readQueueDepths(client, names);
    const after = await readSoFar(client);
    await client.query('commit');
    expect(after.scans).toBe(before.scans);
    expect(after.rows - before.rows).toBeLessThanOrEqual(QUEUE_DEPTH_LIMIT + 100);
    return Object.fromEntries(depths);
  } finally {
    client.release();
  }
}

async function readSoFar(client: PoolClient): Promise<{ scans: number; rows: number }> {
  const { rows } = await client.query<{ scans: number; rows: number }>(
    `select seq_scan as scans, idx_tup_fetch as rows
       from pg_stat_xact_user_tables
      where relid = 'errand.tasks'::regclass`,
  );
  return rows[0] ?? { scans: 0, rows: 0 };
}
