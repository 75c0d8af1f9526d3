import type { Pool } from 'pg';
import { freePort } from '../../embedded/ports.ts';
import { OPEN } from '../../core/states.ts';
import { pauseQueue, resumeQueue } from '../../store/queues.ts';
import { migrate } from '../../store/migrate.ts';
import { openPool } from '../../store/pool.ts';
import { type Submission, submitBatch } from '../../store/submit.ts';
import { startProcess } from '../process.ts';
import type { BenchServer } from '../server.ts';
import type { Queue, QueueKind } from './queue.ts';

export const NO_OP = 'example.now';
const BATCH = 10_000;
/** Attempts at a time of a runner: no-ops end at once, so this is how many rings are in hand. */
const CONCURRENCY = '20';
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
      await resumeQueue(pool, NO_OP, OPERATOR);
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

/** The real process of the pool, with a port of its own. */
export async function startRunner(url: string, environment: Record<string, string> = {}) {
  return startProcess('runner/main.ts', {
    DATABASE_URL: url,
    SERVER_HOST: '127.0.0.1',
    RUNNER_PORT: String(await freePort('127.0.0.1')),
    RUNNER_CONCURRENCY: CONCURRENCY,
    ...environment,
  });
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
    ...{ name: NO_OP, version: '1.0.0', payload: {}, priority: 0, maxAttempts: 25, runAt: null, delayMs: null },
    ...{ dedup: { dedup: null, key: null }, dedupWindowMs: null, tags: [], initiator: null, sourceSystem: null },
    ...{ reason: null, requestId: null, traceparent: null },
  };
}

/** By tasks_name_state_id_idx. */
async function isDrained(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ drained: boolean }>(
    `select not exists (select from errand.tasks where name = $1 and state = any ($2)) as drained`,
    [NO_OP, OPEN],
  );
  return rows[0]?.drained === true;
}
