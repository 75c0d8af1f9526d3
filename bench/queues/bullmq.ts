import { Queue as BullQueue, createPostgresBackend } from 'bullmq';
import { z } from 'zod';
import { startProcesses } from '../process.ts';
import type { Queue, QueueKind } from './queue.ts';
import { startRedis } from './redis.ts';
import { untilStarted } from './started.ts';

const BATCH = 5_000;

/** BullMQ on its Postgres backend; results are kept. */
export const bullOnPostgres: QueueKind = {
  name: 'BullMQ on Postgres',
  async open(server, processes) {
    const { name, url } = await server.freshDatabase();
    const bull = new BullQueue(
      'noop',
      { connection: { connectionString: url, migrate: true } },
      createPostgresBackend,
    );
    await bull.waitUntilReady();
    return openBull(bull, { DATABASE_URL: url }, processes, { name, pids: [], stop: async () => {} });
  },
};

/** BullMQ on its own Redis, without persistence; results are kept. */
export const bullOnRedis: QueueKind = {
  name: 'BullMQ on Redis',
  open: (_server, processes) => openOnRedis(processes, null),
};

/** BullMQ on its own Redis, whose global concurrency is `limit`. */
export function bullWithLimit(limit: number): QueueKind {
  return { name: bullOnRedis.name, open: (_server, processes) => openOnRedis(processes, limit) };
}

async function openOnRedis(processes: number, limit: number | null): Promise<Queue> {
  const redis = await startRedis();
  const bull = new BullQueue('noop', { connection: { host: '127.0.0.1', port: redis.port } });
  if (limit !== null) await bull.setGlobalConcurrency(limit);
  return openBull(bull, { REDIS_PORT: String(redis.port) }, processes, {
    name: null,
    pids: [redis.pid],
    stop: redis.stop,
  });
}

/** The used methods of a BullMQ queue, whose type depends on its backend. */
type Bull = Pick<Queue, 'close'> & {
  pause(): Promise<void>;
  resume(): Promise<void>;
  addBulk(jobs: { name: string; data: object }[]): Promise<unknown>;
  getJobs(types: ['completed']): Promise<{ returnvalue: unknown }[]>;
  getJobCounts(...states: ('waiting' | 'active' | 'prioritized')[]): Promise<Record<string, number>>;
};

const resultSchema = z.object({ at: z.number() });

async function openBull(
  bull: Bull,
  environment: Record<string, string>,
  processes: number,
  place: { name: string | null; pids: number[]; stop: () => Promise<void> },
): Promise<Queue> {
  await bull.pause();
  const workers = await startProcesses(processes, 'bench/peers/bullmq.ts', environment);
  return {
    async fill(count) {
      for (let from = 0; from < count; from += BATCH) {
        await bull.addBulk(
          Array.from({ length: Math.min(BATCH, count - from) }, () => ({ name: 'noop', data: {} })),
        );
      }
    },
    async go() {
      const before = await countWaiting(bull);
      await bull.resume();
      return untilStarted(async () => before === 0 || (await countWaiting(bull)) !== before);
    },
    hold: () => bull.pause(),
    async isDrained() {
      const counts = await bull.getJobCounts('waiting', 'active', 'prioritized');
      return Object.values(counts).every((count) => count === 0);
    },
    async readStarts() {
      const jobs = await bull.getJobs(['completed']);
      return jobs.map(({ returnvalue }) => resultSchema.parse(returnvalue).at).toSorted((a, b) => a - b);
    },
    pids: [...workers.map(({ pid }) => pid), ...place.pids],
    database: place.name,
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await bull.close();
      await place.stop();
    },
  };
}

async function countWaiting(bull: Bull): Promise<number> {
  const { waiting = 0 } = await bull.getJobCounts('waiting');
  return waiting;
}
