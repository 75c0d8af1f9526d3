import type { Pool } from 'pg';
import { z } from 'zod';
import { OPEN } from '../../core/states.ts';
import { freePort } from '../../embedded/ports.ts';
import { migrate } from '../../store/migrate.ts';
import { openPool } from '../../store/pool.ts';
import { pauseQueue, resumeQueue } from '../../store/queues.ts';
import type { Submission } from '../../store/submit.ts';
import { submitBatch } from '../../store/submit_batch.ts';
import { type Measured, startProcess } from '../process.ts';
import type { BenchServer } from '../server.ts';
import { untilBegun } from './begun.ts';
import type { Queue, QueueKind } from './queue.ts';

export const NO_OP = 'example.now';
const BATCH = 10_000;
/**
 * Attempts at a time of a runner. It fetches four times as many rings, so this is what makes the difference for tasks that come
 * one by one, whose rings are small; graphile-worker alone fetches 500 jobs.
 */
const CONCURRENCY = '60';
const OPERATOR = { actor: 'bench', reason: 'measuring', requestId: null };

/** Errand: `npm run runner`, as often as asked, with results and attempts recorded. */
export const errand: QueueKind = {
  name: 'Errand',
  open: (server, processes) => openErrand(server, processes),
};

async function openErrand(server: BenchServer, processes: number): Promise<Queue> {
  const { name, url } = await server.freshDatabase();
  return errandOver({ name, url }, processes);
}

/** Errand over a database that is there, with whatever it holds. */
export async function errandOver(
  { name, url }: { name: string; url: string },
  processes: number,
): Promise<Queue> {
  const pool = benchPool(url);
  await migrate(pool);
  const runners = await Promise.all(Array.from({ length: processes }, () => startRunner(url)));
  await pauseQueue(pool, NO_OP, OPERATOR);
  return {
    fill: (count) => fill(pool, count),
    async go() {
      const since = await resume(pool);
      return untilBegun(() => hasBegun(pool, since));
    },
    async hold() {
      await pauseQueue(pool, NO_OP, OPERATOR);
    },
    isDrained: () => isDrained(pool),
    pids: runners.map(({ process }) => process.pid),
    database: name,
    async close() {
      await Promise.all(runners.map(({ process }) => process.stop()));
      await pool.end();
    },
  };
}

/** Gives the time of Postgres before it. */
async function resume(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
  await resumeQueue(pool, NO_OP, OPERATOR);
  return rows[0]?.now ?? '';
}

/** Whether a task has begun since then, or none is there. By tasks_name_state_id_idx and tasks_name_finished_at_idx. */
async function hasBegun(pool: Pool, since: string): Promise<boolean> {
  const { rows } = await pool.query<{ begun: boolean }>(
    `select /* bench */ exists (select from errand.tasks where name = $1 and state = 'running')
            or exists (select from errand.tasks where name = $1 and finished_at >= $2)
            or not exists (select from errand.tasks where name = $1 and state = any ($3)) as begun`,
    [NO_OP, since, OPEN],
  );
  return rows[0]?.begun === true;
}

/** A real process of Errand, and the URL that it listens on, without a path. */
type Started = { process: Measured; base: string };

/** The real process of the pool, with a port of its own. */
export async function startRunner(url: string, environment: Record<string, string> = {}): Promise<Started> {
  const port = String(await freePort('127.0.0.1'));
  const own = { RUNNER_PORT: port, RUNNER_CONCURRENCY: CONCURRENCY };
  return start('runner/main.ts', url, { ...own, ...environment });
}

/** One client asks for much at once. */
const UNLIMITED = { RATE_LIMIT_READS: '0', RATE_LIMIT_WRITES: '0', RATE_LIMIT_BURST: '0' };

/** The real process of the API, with a port of its own and without limits of rates. */
export async function startApi(url: string, environment: Record<string, string> = {}): Promise<Started> {
  const port = String(await freePort('127.0.0.1'));
  return start('api/main.ts', url, { SERVER_PORT: port, ...UNLIMITED, ...environment });
}

const listening = z.object({ listening: z.number() });

async function start(script: string, url: string, environment: Record<string, string>): Promise<Started> {
  const { process, first } = await startProcess(script, {
    ...{ DATABASE_URL: url, SERVER_HOST: '127.0.0.1' },
    ...environment,
  });
  return { process, base: `http://127.0.0.1:${listening.parse(first).listening}` };
}

/** Connections of the benchmark itself, without a limit on statements. */
export function benchPool(url: string): Pool {
  return openPool({
    connectionString: url,
    applicationName: 'errand bench',
    size: 5,
    statementTimeoutMs: 0,
    onError: () => {},
  });
}

async function fill(pool: Pool, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    await submitBatch(pool, Array.from({ length: Math.min(BATCH, count - from) }, noOp));
  }
}

/** The submission of one task that does nothing. */
export function noOp(): Submission {
  return {
    ...{
      name: NO_OP,
      version: '1.0.0',
      payload: {},
      priority: 0,
      maxAttempts: 25,
      runAt: null,
      delayMs: null,
    },
    ...{
      dedup: { dedup: null, key: null },
      dedupWindowMs: null,
      tags: [],
      initiator: null,
      sourceSystem: null,
    },
    ...{ reason: null, requestId: null, traceparent: null },
  };
}

/** Whether all no-ops have ended. By tasks_name_state_id_idx. */
export async function isDrained(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ drained: boolean }>(
    `select /* bench */ not exists (select from errand.tasks where name = $1 and state = any ($2)) as drained`,
    [NO_OP, OPEN],
  );
  return rows[0]?.drained === true;
}
