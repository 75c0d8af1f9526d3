import { PgBoss } from 'pg-boss';
import { sendAll, startProcesses } from '../process.ts';
import type { BenchServer } from '../server.ts';
import { benchPool } from './errand.ts';
import type { Queue, QueueKind } from './queue.ts';

const BATCH = 10_000;

/**
 * pg-boss: jobs are inserted, fetched and completed in batches. All jobs of a batch share one
 * output, which is its fastest way.
 */
export const pgBoss = kindOf('pg-boss', 'shared');

/** pg-boss with an output for each job, as Errand has: workers give a result per job. */
export const pgBossEach = kindOf('pg-boss, an output each', 'each');

/** Jobs belong to so many groups, in turns. At most `limit` jobs of each are executed at once. */
export type Groups = { count: number; limit: number };

/** pg-boss with one output for a batch, whose jobs belong to groups. */
export function pgBossWithGroups(groups: Groups): QueueKind {
  return { name: pgBoss.name, open: (server, processes) => openBoss(server, processes, 'shared', groups) };
}

function kindOf(name: string, outputs: 'shared' | 'each'): QueueKind {
  return { name, open: (server, processes) => openBoss(server, processes, outputs, null) };
}

async function openBoss(
  server: BenchServer,
  processes: number,
  outputs: string,
  groups: Groups | null,
): Promise<Queue> {
  const { name, url } = await server.freshDatabase();
  const boss = new PgBoss({ connectionString: url, schedule: false, supervise: false });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('noop');
  const pool = benchPool(url);
  const workers = await startProcesses(processes, 'bench/peers/pg_boss.ts', {
    DATABASE_URL: url,
    OUTPUTS: outputs,
    ...(groups === null ? {} : { GROUP_LIMIT: String(groups.limit) }),
  });
  return {
    async fill(count) {
      for (let from = 0; from < count; from += BATCH) {
        await boss.insert(
          'noop',
          Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => ({
            data: {},
            ...(groups === null ? {} : { group: { id: `group ${(from + index) % groups.count}` } }),
          })),
        );
      }
    },
    async go() {
      await sendAll(workers, 'go');
      return performance.now();
    },
    hold: async () => void (await sendAll(workers, 'hold')),
    async isDrained() {
      const { rows } = await pool.query<{ drained: boolean }>(
        `select /* bench */ not exists (select from pgboss.job where name = 'noop' and state < 'completed') as drained`,
      );
      return rows[0]?.drained === true;
    },
    async readStarts() {
      const { rows } = await pool.query<{ at: number }>(
        `select /* bench */ (output ->> 'at')::float8 as at
           from pgboss.job
          where name = 'noop' and state = 'completed'
          order by 1`,
      );
      return rows.map(({ at }) => at);
    },
    pids: workers.map(({ pid }) => pid),
    database: name,
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}
