import type { Pool } from 'pg';
import { z } from 'zod';
import { OPEN } from '../../core/states.ts';
import { freePort } from '../../embedded/ports.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';
import { pauseQueue, resumeQueue } from '../../store/operators/queues.ts';
import type { Submission } from '../../store/submit/submit.ts';
import { submitBatch } from '../../store/submit/submit_batch.ts';
import { entryOf, type Measured, startProcess } from '../process.ts';
import type { BenchServer } from '../server.ts';
import type { Queue, QueueKind } from './queue.ts';
import { untilStarted } from './started.ts';

export const NO_OP = 'example.now';
export const SLEEP = 'example.sleep';
const BATCH = 10_000;
/**
 * How many attempts a runner executes at a time. It fetches four times as many dispatches, so this
 * matters for tasks that are submitted one by one, whose dispatches are small. graphile-worker
 * alone fetches 500 jobs.
 */
const CONCURRENCY = '60';
const OPERATOR = { actor: 'bench', reason: 'measuring', requestId: null };

/** Errand: so many processes of `npm run runner`, with results and attempts recorded. */
export const errand: QueueKind = {
  name: 'Errand',
  open: (server, processes) => openErrand(server, processes),
};

/** Errand with tasks that only wait. The arguments are their duration and the slots of each process. */
export function errandWaiting(waitMs: number, slots: number): QueueKind {
  const start = (url: string): Promise<Started> => startRunner(url, { RUNNER_CONCURRENCY: String(slots) });
  return {
    name: errand.name,
    open: (server, processes) =>
      openErrand(server, processes, { task: SLEEP, payload: { ms: waitMs }, start }),
  };
}

async function openErrand(server: BenchServer, processes: number, executing?: Executing): Promise<Queue> {
  const { name, url } = await server.freshDatabase();
  return errandOver({ name, url }, processes, executing);
}

/** The name and the payload of the tasks of a queue, and how its processes start. */
type Executing = {
  task: string;
  payload?: unknown;
  start: (url: string) => Promise<Pick<Started, 'process'>>;
};

/** Errand on an existing database, with all its contents. */
export async function errandOver(
  { name, url }: { name: string; url: string },
  processes: number,
  { task, payload = {}, start }: Executing = { task: NO_OP, start: startRunner },
): Promise<Queue> {
  const pool = benchPool(url);
  await migrate(pool);
  const runners = await Promise.all(Array.from({ length: processes }, () => start(url)));
  await pauseQueue(pool, task, OPERATOR);
  return {
    fill: (count) => fill(pool, submissionOf(task, payload), count),
    async go() {
      const since = await resume(pool, task);
      return untilStarted(() => hasStarted(pool, task, since));
    },
    async hold() {
      await pauseQueue(pool, task, OPERATOR);
    },
    isDrained: () => isDrained(pool, task),
    pids: runners.map(({ process }) => process.pid),
    database: name,
    async close() {
      await Promise.all(runners.map(({ process }) => process.stop()));
      await pool.end();
    },
  };
}

/** Gives the Postgres time just before the resume. */
async function resume(pool: Pool, task: string): Promise<string> {
  const { rows } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
  await resumeQueue(pool, task, OPERATOR);
  return rows[0]?.now ?? '';
}

/**
 * Whether a task has started since then, or none is open. Uses tasks_name_state_id_idx and
 * tasks_name_finished_at_idx.
 */
async function hasStarted(pool: Pool, task: string, since: string): Promise<boolean> {
  const { rows } = await pool.query<{ started: boolean }>(
    `select /* bench */ exists (select from errand.tasks where name = $1 and state = 'running')
            or exists (select from errand.tasks where name = $1 and finished_at >= $2)
            or not exists (select from errand.tasks where name = $1 and state = any ($3)) as started`,
    [task, since, OPEN],
  );
  return rows[0]?.started === true;
}

/** A real process of Errand, and the URL that it listens on, without a path. */
type Started = { process: Measured; base: string };

/** Starts a real runner process on its own port. `folder` may hold another build than this one. */
export async function startRunner(
  url: string,
  environment: Record<string, string> = {},
  folder?: string,
): Promise<Started> {
  const port = String(await freePort('127.0.0.1'));
  const own = { RUNNER_PORT: port, RUNNER_CONCURRENCY: CONCURRENCY };
  return start(entryOf('runner', folder), url, { ...own, ...environment }, folder);
}

/** No rate limits, because one client sends all requests. */
const UNLIMITED = { RATE_LIMIT_READS: '0', RATE_LIMIT_WRITES: '0', RATE_LIMIT_BURST: '0' };

/**
 * Starts a real API process on its own port and without rate limits. `folder` may hold another
 * build than this one.
 */
export async function startApi(
  url: string,
  environment: Record<string, string> = {},
  folder?: string,
): Promise<Started> {
  const port = String(await freePort('127.0.0.1'));
  return start(entryOf('api', folder), url, { SERVER_PORT: port, ...UNLIMITED, ...environment }, folder);
}

const listening = z.object({ listening: z.number() });

async function start(
  script: string,
  url: string,
  environment: Record<string, string>,
  folder: string | undefined,
): Promise<Started> {
  const own = { DATABASE_URL: url, SERVER_HOST: '127.0.0.1' };
  const options = folder === undefined ? {} : { folder };
  const { process, first } = await startProcess(script, { ...own, ...environment }, options);
  return { process, base: `http://127.0.0.1:${listening.parse(first).listening}` };
}

/** Connections of the benchmark itself, without a statement timeout. */
export function benchPool(url: string): Pool {
  return openPool({
    connectionString: url,
    applicationName: 'errand bench',
    size: 5,
    statementTimeoutMs: 0,
    onError: () => {},
  });
}

async function fill(pool: Pool, submission: Submission, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH)
    await submitBatch(pool, Array<Submission>(Math.min(BATCH, count - from)).fill(submission));
}

/** The submission of one task that does nothing. */
export function noOp(): Submission {
  return submissionOf(NO_OP);
}

function submissionOf(name: string, payload: unknown = {}): Submission {
  const none = { dedup: { dedup: null, key: null }, requestId: null, traceparent: null };
  return { name, version: '1.0.0', payload, priority: 0, maxAttempts: 25, ...none };
}

/** Whether all tasks of a name have ended. Uses tasks_name_state_id_idx. */
export async function isDrained(pool: Pool, task = NO_OP): Promise<boolean> {
  const { rows } = await pool.query<{ drained: boolean }>(
    `select /* bench */ not exists (select from errand.tasks where name = $1 and state = any ($2)) as drained`,
    [task, OPEN],
  );
  return rows[0]?.drained === true;
}
