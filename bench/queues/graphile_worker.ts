import { makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import { z } from 'zod';
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
  open: (server, processes) => openGraphile(server, processes, { fill: addBatches }),
};

const going = z.object({ firstAt: z.number().nullable() });

/** graphile-worker with jobs that only wait. The arguments are their duration and the slots of each process. */
export function graphileWaiting(waitMs: number, slots: number): QueueKind {
  const environment = { WAIT_MS: String(waitMs), SLOTS: String(slots) };
  return {
    name: graphileWorker.name,
    open: (server, processes) => openGraphile(server, processes, { fill: addBatches, environment }),
  };
}

/** graphile-worker with jobs that are added one by one. */
export const graphileOneByOne: QueueKind = {
  name: 'graphile-worker',
  open: (server, processes) =>
    openGraphile(server, processes, {
      fill: (utils, count) => inLoops(CALLERS, count, () => utils.addJob('noop', {})),
    }),
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
  {
    fill,
    environment: own = {},
  }: {
    fill: (utils: WorkerUtils, count: number) => Promise<void>;
    environment?: Record<string, string>;
  },
): Promise<Queue> {
  const { name, url } = await server.freshDatabase();
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: CALLERS });
  await utils.migrate();
  const pool = benchPool(url);
  const environment = { DATABASE_URL: url, ...WITHOUT_LINES, ...own };
  const workers = await startProcesses(processes, 'bench/peers/graphile_worker.ts', environment);
  return {
    fill: (count) => fill(utils, count),
    async go() {
      const answers = z.array(going).parse(await sendAll(workers, 'go'));
      const firsts = answers.flatMap(({ firstAt }) => firstAt ?? []);
      return Math.min(performance.now(), ...firsts.map((at) => at - performance.timeOrigin));
    },
    hold: async () => void (await sendAll(workers, 'hold')),
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
