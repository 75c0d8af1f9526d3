import type { Pool } from 'pg';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { startMaintenance } from '../../../../runner/maintenance/maintenance.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import { createDatabase } from '../../../support/database.ts';
import { allFinished, recordHistory } from '../../../support/history.ts';
import { startProxy } from '../../../support/network/proxy.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { lostRunners, running, startFixtureRunner, steady, UNDER_WAY_MS } from '../../../support/runners.ts';
import { outcomes, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });

/** Seconds since the oldest heartbeat of the live runners. */
async function oldestBeat(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ age: number }>(
    'select extract(epoch from now() - min(heartbeat_at))::float8 as age from errand.runners where ended_at is null',
  );
  return rows[0]?.age ?? Number.POSITIVE_INFINITY;
}

test('F13: every statement takes half a second more: work goes on, the lease holds, maintenance does not overlap', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  // A heartbeat that is late by more than a third of it needs a new connection, which takes seconds then.
  const leaseSecs = 12;
  const runner = await startFixtureRunner(proxy.url, { RUNNER_LEASE_SECS: String(leaseSecs) });
  await startTestRunner(pool, { leaseSecs });
  await steady(pool, 2);
  proxy.delayMs = 500;
  const tasks = await submit(pool, ...Array.from({ length: 40 }, (_, index) => work(index * 20)));
  for (const { id } of tasks) history.ok(id);
  const beats: number[] = [];
  const transactions: number[] = [];
  await until('all have finished', async () => {
    beats.push(await oldestBeat(pool));
    // Recovery is the only one, and takes longer than the time between two heartbeats.
    const { rows } = await pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and application_name = 'errand runner' and state like 'idle in transaction%'`,
    );
    transactions.push(rows.length);
    return allFinished(pool);
  });
  expect(Math.max(...beats)).toBeLessThan(leaseSecs);
  expect(Math.max(...transactions)).toBe(1);
  for (const { id } of tasks) expect(runner.executions.get(id)).toBe(1);
  expect(await lostRunners(pool)).toBe(0);
  await history.check(pool);
});

test('F13: statements hang and take every connection of the pool: bounded waits, heartbeats go on, then recovery', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  // Longer than a busy machine keeps a process from running at all.
  const leaseSecs = 5;
  const environment = { DATABASE_POOL_SIZE: '3', RUNNER_LEASE_SECS: String(leaseSecs) };
  const runner = await startFixtureRunner(url, environment);
  await startTestRunner(pool, { leaseSecs });
  await steady(pool, 2);
  const tasks = await submit(pool, ...Array.from({ length: 30 }, () => work(300)));
  for (const { id } of tasks) history.ok(id);
  await until('it executes', () => runner.executions.size > 0);
  const holder = await pool.connect();
  // The first lets them read, as somebody's long update does; the second, of a migration, does not.
  for (const mode of ['exclusive', 'access exclusive']) {
    // They fall due meanwhile.
    const due = await submit(pool, ...Array.from({ length: 4 }, () => ({ ...work(1), delayMs: 500 })));
    tasks.push(...due);
    for (const { id } of due) history.ok(id);
    await holder.query(`begin; lock table errand.tasks in ${mode} mode`);
    const end = performance.now() + 1_000 * (leaseSecs + 1);
    const beats: number[] = [];
    await until('it has been locked for longer than a lease', async () => {
      beats.push(await oldestBeat(pool));
      return performance.now() > end;
    });
    if (mode === 'exclusive') expect(Math.max(...beats)).toBeLessThan(leaseSecs);
    expect(runner.output()).toContain('canceling statement due to statement timeout');
    await holder.query('rollback');
  }
  holder.release();
  await until('all have finished', () => allFinished(pool));
  for (const { id } of tasks) {
    expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
    expect(runner.executions.get(id)).toBe(1);
  }
  // Nothing was left to graphile-worker, which would wait longer each time.
  expect(runner.output()).not.toContain('Failed task');
  expect(await lostRunners(pool)).toBe(0);
  await history.check(pool);
});

test('F13: a task that somebody keeps locked does not keep the outcomes of the others from being recorded', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const runner = await startFixtureRunner(url);
  const tasks = await submit(pool, ...Array.from({ length: 8 }, (_, index) => work(UNDER_WAY_MS + index)));
  for (const { id } of tasks) history.ok(id);
  await running(pool, 8);
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from errand.tasks where id = $1 for update', [tasks[0]?.id]);
  const count = async (state: string): Promise<number> =>
    (await pool.query('select 1 from errand.tasks where state = $1', [state])).rows.length;
  await until('the others are recorded', async () => (await count('succeeded')) === 7);
  const more = await submit(pool, ...Array.from({ length: 5 }, () => work(1)));
  for (const { id } of more) history.ok(id);
  await until('and new ones', async () => (await count('succeeded')) === 12);
  expect(await count('running')).toBe(1);
  await holder.query('rollback');
  holder.release();
  await until('all have finished', () => allFinished(pool));
  for (const id of history.acknowledged()) {
    expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
    expect(runner.executions.get(id)).toBe(1);
  }
  await history.check(pool);
});

test('F13: a round of maintenance that hangs is not joined by another', async () => {
  const log = pino({ level: 'silent' });
  let begun = 0;
  const { promise: hanging, reject: fail } = Promise.withResolvers<never>();
  const stuck = { connect: () => ++begun && hanging } as unknown as Pool;
  const options = {
    pool: stuck,
    runnerId: 1,
    retentionHours: { finished: 1, failed: 1 },
    auditRetentionDays: 1,
    scheduleHistoryDays: 1,
    keepRegistered: async () => {},
    events: createEvents(log),
    log,
  };
  const maintenance = startMaintenance(options);
  for (let beat = 0; beat < 5; beat++) maintenance.recover();
  expect(begun).toBe(1);
  fail(new Error('gone'));
  await maintenance.close();
  maintenance.recover();
  expect(begun).toBe(2);
});
