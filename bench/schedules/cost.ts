import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { benchPool, startRunner } from '../queues/errand.ts';
import type { BenchServer, StatementTimes } from '../server.ts';
import { makeSchedules } from './make.ts';

/** So many seconds apart, so that the tasks of one time are done before the next one. */
const TICK_SECS = 3;
const TICKS = { id: 'example.tick', timing: { every_seconds: TICK_SECS, catch_up: 'all' } };
/** Not due while it is measured. */
const FAR = { id: 'example.far', timing: { every_seconds: 60, starts_at: '2200-01-01T00:00:00Z' } };
/** The first times are not measured: connections, plans and compiled code are warmed up by them. */
const WARM_UP_TICKS = 3;
const POLL_MS = 20;
const MS_PER_MINUTE = 60_000;

export type CostOptions = {
  /** How many schedules are stored. */
  schedules: number;
  /** How many of them are due at each time. */
  due: number;
  /** How many times are measured. */
  ticks: number;
  /** How long it is measured with no schedule due. */
  idleMs: number;
};

/** Counts of the statements of clients: those that name the tables of schedules, or all. */
export type Idle = {
  /** Statements for schedules, and all statements. */
  perMinute: number;
  allPerMinute: number;
  /** Statements for schedules per heartbeat of the runner. */
  perHeartbeat: number;
  /** The ms that Postgres spent on statements for schedules in a second. */
  msPerSecond: number;
};

export type Costs = {
  /** The ms that Postgres spent on the schedules of each measured time. */
  ticks: number[];
  noneDue: Idle;
  /** Without any schedule. */
  none: Idle;
};

/**
 * Measures what schedules cost Postgres with one runner: times at which some are due, waiting, and
 * waiting without any. It is the time in which Postgres planned and executed statements that name
 * the tables of schedules, the submission of their tasks included. Throws if a process ends.
 */
export async function measureCosts(server: BenchServer, options: CostOptions): Promise<Costs> {
  const { schedules, due, ticks, idleMs } = options;
  const none = await withRunner(server, [], ({ name }) => idle(server, name, idleMs));
  const far = { ...FAR, count: schedules };
  const noneDue = await withRunner(server, [far], ({ name }) => idle(server, name, idleMs));
  const some = [
    { ...far, count: schedules - due },
    { ...TICKS, count: due },
  ];
  const measured = await withRunner(server, some, async ({ name, pool }) => {
    const costs: number[] = [];
    for (let tick = 0; tick < WARM_UP_TICKS; tick++) await nextTick(pool, due);
    while (costs.length < ticks) {
      const statements = await statementsDuring(server, name, () => nextTick(pool, due));
      costs.push(sum(statements.filter(isOfSchedules).map(({ ms }) => ms)));
    }
    return costs;
  });
  return { ticks: measured, noneDue, none };
}

type Opened = { name: string; pool: Pool };

async function withRunner<Result>(
  server: BenchServer,
  kinds: Parameters<typeof makeSchedules>[2],
  measure: (opened: Opened) => Promise<Result>,
): Promise<Result> {
  const { name, url } = await server.freshDatabase();
  const pool = benchPool(url);
  try {
    await pool.query(`alter database ${name} set pg_stat_statements.track_planning = on`);
    const { process: runner } = await startRunner(url, { NODE_ENV: 'development' });
    try {
      await makeSchedules(url, pool, kinds);
      return await measure({ name, pool });
    } finally {
      await runner.stop();
    }
  } finally {
    await pool.end();
    await server.dropDatabase(name);
  }
}

/** Waits until all schedules that are due at the next time have submitted their tasks. */
async function nextTick(pool: Pool, due: number): Promise<void> {
  const { rows } = await pool.query<{ at: string }>(
    `select /* bench */ to_timestamp(ceil(extract(epoch from clock_timestamp()) / $1) * $1)::text as at`,
    [TICK_SECS],
  );
  for (;;) {
    const { rows: submitted } = await pool.query<{ count: number }>(
      `select /* bench */ count(*)::integer as count from errand.schedule_runs where scheduled_for = $1`,
      [rows[0]?.at],
    );
    if ((submitted[0]?.count ?? 0) >= due) return;
    await pause(POLL_MS);
  }
}

async function idle(server: BenchServer, name: string, ms: number): Promise<Idle> {
  const all = await statementsDuring(server, name, () => pause(ms));
  const ofSchedules = all.filter(isOfSchedules);
  const perMinute = (statements: readonly Statement[]): number =>
    (sum(statements.map(({ calls }) => calls)) * MS_PER_MINUTE) / ms;
  return {
    perMinute: perMinute(ofSchedules),
    allPerMinute: perMinute(all),
    perHeartbeat: perMinute(ofSchedules) / perMinute(all.filter(isHeartbeat)),
    msPerSecond: (sum(ofSchedules.map((one) => one.ms)) * 1_000) / ms,
  };
}

type Statement = StatementTimes[number];

/** The calls and times of the statements of a database during some work. */
async function statementsDuring(
  server: BenchServer,
  database: string,
  work: () => Promise<unknown>,
): Promise<Statement[]> {
  const before = new Map((await server.statementTimes(database)).map((one) => [one.id, one]));
  await work();
  return (await server.statementTimes(database)).map((one) => ({
    ...one,
    calls: one.calls - (before.get(one.id)?.calls ?? 0),
    ms: one.ms - (before.get(one.id)?.ms ?? 0),
  }));
}

function isOfSchedules({ query }: Statement): boolean {
  return /\berrand\.schedule(s|_runs)\b/.test(query);
}

function isHeartbeat({ query }: Statement): boolean {
  return query.trim().startsWith('with beat as');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
