import { PgBoss } from 'pg-boss';
import { z } from 'zod';
import { benchPool, NO_OP } from '../queues/errand.ts';
import type { BenchServer } from '../server.ts';
import type { Client } from './client.ts';

export const BATCH = 1_000;
const QUEUE = 'noop';

const answer = z.object({ created: z.literal(BATCH) });

/**
 * Submits so many batches over HTTP, one at a time, and gives tasks per second. Throws unless all
 * tasks were created.
 */
export async function submitBatches(client: Client, batches: number): Promise<number> {
  return perSecond(batches, async () => {
    const items = Array.from({ length: BATCH }, () => ({ payload: {} }));
    answer.parse(JSON.parse(await client.post(`/v1/tasks/${NO_OP}/batch`, { items }, 200)));
  });
}

/** pg-boss in this process, with its own database and queue. */
export type Boss = {
  /** Inserts so many batches, one at a time, and gives jobs per second. */
  insert(batches: number): Promise<number>;
  /** Throws unless pg-boss has as many jobs as were inserted. */
  close(): Promise<void>;
};

/** Starts pg-boss without its background work. */
export async function openBoss(server: BenchServer): Promise<Boss> {
  const { name, url } = await server.freshDatabase();
  const boss = new PgBoss({ connectionString: url, schedule: false, supervise: false });
  // A connection that breaks shows in its insert.
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue(QUEUE);
  let inserted = 0;
  return {
    async insert(batches) {
      return perSecond(batches, async () => {
        await boss.insert(
          QUEUE,
          Array.from({ length: BATCH }, () => ({ data: {} })),
        );
        inserted += BATCH;
      });
    },
    async close() {
      await boss.stop({ graceful: false });
      const found = await countJobs(url);
      await server.dropDatabase(name);
      if (found !== inserted) throw new Error(`pg-boss has ${found} jobs of ${inserted}`);
    },
  };
}

async function perSecond(batches: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  for (let batch = 0; batch < batches; batch++) await work();
  return (batches * BATCH) / ((performance.now() - startedAt) / 1_000);
}

async function countJobs(url: string): Promise<number> {
  const pool = benchPool(url);
  try {
    const { rows } = await pool.query<{ count: number }>('select count(*) from pgboss.job where name = $1', [
      QUEUE,
    ]);
    return rows[0]?.count ?? Number.NaN;
  } finally {
    await pool.end();
  }
}
