import { makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import { inLoops } from '../http/client.ts';
import { sendAll, startProcesses } from '../process.ts';
import type { BenchServer } from '../server.ts';
import { benchPool } from './errand.ts';
import { CALLERS } from './one_by_one.ts';
import type { Queue, QueueKind } from './queue.ts';

const BATCH = 10_000;
/**
 * By default a worker logs a line for each job that succeeds, which took half of its CPU time.
 * Errand logs none at this level.
 */
export const WITHOUT_LINES = { NO_LOG_SUCCESS: '1' };

/**
 * graphile-worker alone, with everything in batches. It records nothing: a finished job is deleted.
 */
export const graphileWorker: QueueKind = {
  name: 'graphile-worker',
  open: (server, processes) => openGraphile(server, processes, addBatches),
};

/** graphile-worker with jobs that are added one by one. */
export const graphileOneByOne: QueueKind = {
  name: 'graphile-worker',
  open: (server, processes) =>
    openGraphile(server, processes, (utils, count) =>
      inLoops(CALLERS, count, () => utils.addJob('noop', {})),
    ),
};

async function addBatches(utils: WorkerUtils, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from);
    await utils.addJobs(Array.from({ length: size }, () => ({ identifier: 'noop', payload: {} })));
  }
}

async function openGraphile(
  server: BenchServer,
  processes: number,
  fill: (utils: WorkerUtils, count: number) => Promise<void>,
): Promise<Queue> {
  const { name, url } = await server.freshDatabase();
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: CALLERS });
  await utils.migrate();
  const pool = benchPool(url);
  const environment = { DATABASE_URL: url, ...WITHOUT_LINES };
  const workers = await startProcesses(processes, 'bench/peers/graphile_worker.ts', environment);
  return {
    fill: (count) => fill(utils, count),
    async go() {
      await sendAll(workers, 'go');
      return performance.now();
    },
    hold: () => sendAll(workers, 'hold'),
    async isDrained() {
      const { rows } = await pool.query<{ drained: boolean }>(
        'select /* bench */ not exists (select from graphile_worker._private_jobs) as drained',
      );
      return rows[0]?.drained === true;
    },
    pids: workers.map(({ pid }) => pid),
    database: name,
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await utils.release();
      await pool.end();
    },
  };
}
