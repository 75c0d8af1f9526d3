import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { submitBatch } from '../../store/submit/submit_batch.ts';
import type { Measured } from '../process.ts';
import { benchPool, noOp, startRunner } from '../queues/errand.ts';
import type { BenchServer } from '../server.ts';

/** Longer than any round. */
const SLEEP_MS = 3_600_000;
const BEATS_PER_LEASE = 3;
const POLL_MS = 20;
/** After this many leases something is broken. */
const MAX_LEASES = 10;

/**
 * Lets one of two runners execute a long task, kills it, and gives the seconds until the other
 * executes the task. `phase`, from 0 to 1, is the moment of the kill between two heartbeats. Throws
 * if it takes more than MAX_LEASES leases.
 */
export async function recoverOnce(
  server: BenchServer,
  { leaseSecs, phase }: { leaseSecs: number; phase: number },
): Promise<number> {
  const { name, url } = await server.freshDatabase();
  const environment = { RUNNER_LEASE_SECS: String(leaseSecs) };
  const runners = [
    (await startRunner(url, environment)).process,
    (await startRunner(url, environment)).process,
  ];
  const pool = benchPool(url);
  try {
    const withinMs = MAX_LEASES * leaseSecs * 1_000;
    await until('both runners can judge which runners are dead', withinMs, () =>
      areSteady(pool, runners.length),
    );
    await submitBatch(pool, [{ ...noOp(), name: 'example.sleep', payload: { ms: SLEEP_MS } }]);
    const { id, pid } = await until('the task runs', withinMs, () => busyRunner(pool));
    await pause(await msToPhase(pool, id, phase * (leaseSecs / BEATS_PER_LEASE)));
    const killedAt = await kill(pool, runners, pid);
    return await until('the task runs again', withinMs, () => recoveredAfter(pool, id, killedAt));
  } finally {
    // SIGKILL, because the running tasks would delay a stop.
    await Promise.all(runners.map((runner) => runner.kill()));
    await pool.end();
    await server.dropDatabase(name);
  }
}

async function until<T>(what: string, withinMs: number, probe: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== null) return value;
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms, but this did not happen: ${what}`);
    await pause(POLL_MS);
  }
}

/** A pool judges which runners are dead only after it has been up for longer than a lease. */
async function areSteady(pool: Pool, count: number): Promise<true | null> {
  const { rowCount } = await pool.query(
    `select from errand.runners
      where ended_at is null and steady_since < now() - make_interval(secs => lease_secs)`,
  );
  return rowCount === count ? true : null;
}

/** The runner that has the task, once it is shown as running. Uses tasks_running_idx. */
async function busyRunner(pool: Pool): Promise<{ id: number; pid: number } | null> {
  const { rows } = await pool.query<{ id: number; pid: number }>(
    `select r.id, r.pid
       from errand.tasks t
       join errand.runners r on r.id = t.runner_id
      where t.state = 'running'`,
  );
  return rows[0] ?? null;
}

/** The time in ms until the last or the next heartbeat of a runner is so many seconds ago. */
async function msToPhase(pool: Pool, runnerId: number, seconds: number): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>(
    `select 1000 * mod(($2 - extract(epoch from clock_timestamp() - heartbeat_at) + lease_secs)::numeric,
                       (lease_secs / ${BEATS_PER_LEASE})::numeric)::float8 as ms
       from errand.runners
      where id = $1`,
    [runnerId, seconds],
  );
  return Math.max(0, rows[0]?.ms ?? 0);
}

/** Gives the time of the kill by Postgres's clock. */
async function kill(pool: Pool, runners: readonly Measured[], pid: number): Promise<string> {
  const { rows } = await pool.query<{ at: string }>('select clock_timestamp()::text as at');
  await runners.find((runner) => runner.pid === pid)?.kill();
  return rows[0]?.at ?? '';
}

/** The seconds until another runner started the task; null before that. Uses tasks_running_idx. */
async function recoveredAfter(pool: Pool, killedId: number, killedAt: string): Promise<number | null> {
  const { rows } = await pool.query<{ seconds: number }>(
    `select extract(epoch from started_at - $2::timestamptz)::float8 as seconds
       from errand.tasks
      where state = 'running' and runner_id <> $1`,
    [killedId, killedAt],
  );
  return rows[0]?.seconds ?? null;
}
