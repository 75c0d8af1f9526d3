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
/** In production the example tasks do not exist; in tests each answer is checked. */
const ENVIRONMENT = { NODE_ENV: 'development' };

/**
 * An API and a runner of one build on their own database. Everything goes over HTTP, which all
 * builds have in common.
 */
export type Running = { name: string; client: Client; pool: Pool; close(): Promise<void> };

/** The figures of one build in one round. */
export type Done = { executedPerSecond: number; submittedPerSecond: number; startMs: number };

/** Starts the processes of a build. Throws if one does not start. */
export async function startBuild(server: BenchServer, { name, folder }: Build): Promise<Running> {
  const database = await server.freshDatabase();
  const api = await startApi(database.url, ENVIRONMENT, folder);
  const runner = await startRunner(database.url, ENVIRONMENT, folder);
  const client = openClient(api.base, CONNECTIONS);
  const pool = benchPool(database.url);
  return {
    ...{ name, client, pool },
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
  await changeQueue(client, 'pause');
  const singles = Math.ceil(tasks * SINGLE_SHARE);
  const submittedPerSecond = await submitSingly(client, singles);
  for (let remaining = tasks - singles; remaining > 0; remaining -= BATCH)
    await submitBatch(client, Math.min(remaining, BATCH));
  const executedPerSecond = tasks / (await secondsToDrain(running));
  const durations: number[] = [];
  for (let count = 0; count < starts; count++) durations.push((await startOne(client, clock)).sinceSent);
  await drained(pool);
  return { executedPerSecond, submittedPerSecond, startMs: median(durations) };
}

async function submitSingly(client: Client, count: number): Promise<number> {
  const startedAt = performance.now();
  await inLoops(CONNECTIONS, count, () => client.post(`/v1/tasks/${NO_OP}`, { payload: {} }, 201));
  return count / ((performance.now() - startedAt) / 1_000);
}

async function submitBatch(client: Client, count: number): Promise<void> {
  const items = Array.from({ length: count }, () => ({ payload: {} }));
  await client.post(`/v1/tasks/${NO_OP}/batch`, { items }, 200);
}

/**
 * From the first start to the last end, by Postgres's clock: how soon a runner notices the resume
 * is not measured.
 */
async function secondsToDrain({ client, pool }: Running): Promise<number> {
  const { rows: before } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
  await changeQueue(client, 'resume');
  await drained(pool);
  const { rows } = await pool.query<{ seconds: number }>(
    `select extract(epoch from max(finished_at) - min(started_at))::float8 as seconds
       from errand.tasks
      where name = $1 and finished_at >= $2`,
    [NO_OP, before[0]?.now],
  );
  return rows[0]?.seconds ?? Number.NaN;
}

async function drained(pool: Pool): Promise<void> {
  while (!(await isDrained(pool))) await pause(POLL_MS);
}

async function changeQueue(client: Client, action: 'pause' | 'resume'): Promise<void> {
  await client.put(`/v1/queues/${NO_OP}/${action}?reason=measuring`);
}
