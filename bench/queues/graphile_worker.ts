import { makeWorkerUtils } from 'graphile-worker';
import { startProcesses, tellAll } from '../process.ts';
import { benchPool } from './errand.ts';
import type { QueueKind } from './queue.ts';

const BATCH = 10_000;

/** graphile-worker by itself, with everything in batches. It records nothing: a job that is done is deleted. */
export const graphileWorker: QueueKind = {
  name: 'graphile-worker',
  async open(server, processes) {
    const { name, url } = await server.freshDatabase();
    const utils = await makeWorkerUtils({ connectionString: url });
    await utils.migrate();
    const pool = benchPool(url);
    const workers = await startProcesses(processes, 'bench/peers/graphile_worker.ts', { DATABASE_URL: url });
    return {
      async fill(count) {
        for (let from = 0; from < count; from += BATCH) {
          const size = Math.min(BATCH, count - from);
          await utils.addJobs(Array.from({ length: size }, () => ({ identifier: 'noop', payload: {} })));
        }
      },
      go: () => tellAll(workers, 'go'),
      hold: () => tellAll(workers, 'hold'),
      async isDrained() {
        const { rows } = await pool.query<{ drained: boolean }>(
          'select not exists (select from graphile_worker._private_jobs) as drained',
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
  },
};
