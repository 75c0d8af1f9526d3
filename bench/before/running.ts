import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Build } from '../definitions/builds.ts';
import { type Client, inLoops, openClient } from '../http/client.ts';
import type { WallClock } from '../latency/clock.ts';
import { startOne } from '../latency/starters.ts';
import { benchPool, isDrained, NO_OP, startApi, startRunner } from '../queues/errand.ts';
import { median } from '../rounds.ts';
import type { BenchServer } from '../server.ts';

const CONNECTIONS = 32;
const BATCH = 10_000;
/** This part of the tasks of a round is submitted one by one. */
const SINGLE_SHARE = 0.2;
const POLL_MS = 25;
/** Where less than a second is measured. */
const SHORT_POLL_MS = 5;
/** In production the example tasks do not exist; in tests each answer is checked. */
const ENVIRONMENT = { NODE_ENV: 'development' };

/**
 * An API and a runner of one build on their own database. Everything goes over HTTP, which all
 * builds have in common.
 */
export type Running = {
  name: string;
  client: Client;
  pool: Pool;
  database: string;
  close(): Promise<void>;
};

/** The figures of one build in one round. */
export type Done = { executedPerSecond: number; submittedPerSecond: number; startMs: number };

/**
 * Starts the processes of a build. `environment` is for its runner. Throws if one does not start.
 */
export async function startBuild(
  server: BenchServer,
  { name, folder }: Build,
  environment: Record<string, string> = {},
): Promise<Running> {
  const database = await server.freshDatabase();
  const api = await startApi(database.url, ENVIRONMENT, folder);
  const runner = await startRunner(database.url, { ...ENVIRONMENT, ...environment }, folder);
  const client = openClient(api.base, CONNECTIONS);
  const pool = benchPool(database.url);
  return {
    ...{ name, client, pool, database: database.name },
    async close() {
      await client.close();
      await pool.end();
      await Promise.all([api.process.stop(), runner.process.stop()]);
      await server.dropDatabase(database.name);
    },
  };
}

/** Measures a build once. No task waits at the end. */
export async function measureBuild(
  running: Running,
  { tasks, starts, clock }: { tasks: number; starts: number; clock: WallClock },
): Promise<Done> {
  const { client, pool } = running;
  await changeQueue(client, NO_OP, 'pause');
  const singles = Math.ceil(tasks * SINGLE_SHARE);
  const submittedPerSecond = await submitSingly(client, singles);
  await submitBatches(client, NO_OP, tasks - singles, () => ({}));
  const executedPerSecond = tasks / (await secondsToDrain(running));
  const durations: number[] = [];
  for (let count = 0; count < starts; count++) durations.push((await startOne(client, clock)).sinceSent);
  await drained(pool);
  return { executedPerSecond, submittedPerSecond, startMs: median(durations) };
}

/** Tasks or workflows that are submitted in batches while their name is paused, and then executed. */
export type Backlog = {
  /** A task, or a workflow. */
  name: string;
  count: number;
  /** The payload of the task with this number. */
  payloadOf: (index: number) => unknown;
};

/**
 * Executes a backlog of this build or another. Gives the seconds from the first start, for a workflow of a
 * step, until all is recorded, by Postgres's clock.
 */
export async function secondsToExecute(
  { client, pool }: Running,
  { name, count, payloadOf }: Backlog,
): Promise<number> {
  await changeQueue(client, name, 'pause');
  await submitBatches(client, name, count, payloadOf);
  const since = await databaseTime(pool);
  await changeQueue(client, name, 'resume');
  while (!(await isDrained(pool, name))) await pause(SHORT_POLL_MS);
  const until = await databaseTime(pool);
  const { rows } = await pool.query<{ seconds: number }>(
    `select extract(epoch from $3::timestamptz - min(started_at))::float8 as seconds
       from errand.tasks
      where (name = $1 or starts_with(name, $1 || '.')) and finished_at >= $2`,
    [name, since, until],
  );
  return rows[0]?.seconds ?? Number.NaN;
}

async function submitSingly(client: Client, count: number): Promise<number> {
  const startedAt = performance.now();
  await inLoops(CONNECTIONS, count, () => client.post(`/v1/tasks/${NO_OP}`, { payload: {} }, 201));
  return count / ((performance.now() - startedAt) / 1_000);
}

async function submitBatches(
  client: Client,
  name: string,
  count: number,
  payloadOf: Backlog['payloadOf'],
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    const items = Array.from({ length }, (_, index) => ({ payload: payloadOf(from + index) }));
    await client.post(`/v1/tasks/${name}/batch`, { items }, 200);
  }
}

/**
 * From the first start to the last end, by Postgres's clock: how soon a runner notices the resume
 * is not measured.
 */
async function secondsToDrain({ client, pool }: Running): Promise<number> {
  const since = await databaseTime(pool);
  await changeQueue(client, NO_OP, 'resume');
  await drained(pool);
  const { rows } = await pool.query<{ seconds: number }>(
    `select extract(epoch from max(finished_at) - min(started_at))::float8 as seconds
       from errand.tasks
      where name = $1 and finished_at >= $2`,
    [NO_OP, since],
  );
  return rows[0]?.seconds ?? Number.NaN;
}

async function drained(pool: Pool): Promise<void> {
  while (!(await isDrained(pool))) await pause(POLL_MS);
}

async function databaseTime(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
  return rows[0]?.now ?? '';
}

async function changeQueue(client: Client, name: string, action: 'pause' | 'resume'): Promise<void> {
  await client.put(`/v1/queues/${name}/${action}?reason=measuring`);
}
