import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { PgBoss } from 'pg-boss';
import { freePort } from '../../embedded/ports.ts';
import { startProcess } from '../process.ts';
import { hasRedis, startRedis } from '../queues/redis.ts';
import type { BenchServer } from '../server.ts';

const PACKAGES = [
  ...['@pg-boss/dashboard@1.9.0', '@bull-board/api@9.10.1', '@bull-board/express@9.10.1'],
  // bull-board loads it beside itself.
  'bullmq@6.7.0',
];
const BATCH = 10_000;

/** A dashboard over its finished jobs. */
export type Site = {
  name: string;
  /** The first page, and the list of finished jobs: its URL, and what stands for its data. */
  first: { url: string; shown: string };
  list: { url: string; shown: string };
  close(): Promise<void>;
};

/** Installs the dashboards of others into a folder that `remove` deletes. They are no packages of this repository. */
export async function installPeers(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'errand-dashboards-'));
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  const flags = ['install', '--no-audit', '--no-fund', '--ignore-scripts'];
  await promisify(execFile)('npm', [...flags, ...PACKAGES], { cwd: folder });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The dashboard of pg-boss over so many completed jobs. */
export async function openPgBoss(server: BenchServer, folder: string, jobs: number): Promise<Site> {
  const { name, url } = await server.freshDatabase();
  const boss = new PgBoss({ connectionString: url, schedule: false, supervise: false });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('noop');
  for (let from = 0; from < jobs; from += BATCH) {
    const size = Math.min(BATCH, jobs - from);
    await boss.insert(
      'noop',
      Array.from({ length: size }, (_, index) => ({ data: { number: from + index } })),
    );
    const fetched = await boss.fetch('noop', { batchSize: size });
    await boss.complete(
      'noop',
      fetched.map(({ id }) => id),
    );
  }
  await boss.supervise('noop');
  await boss.stop({ graceful: false });
  const port = String(await freePort('127.0.0.1'));
  const environment = { DATABASE_URL: url, PORT: port, HOST: '127.0.0.1', DASHBOARDS: folder };
  const { process } = await startProcess('bench/peers/pg_boss_dashboard.ts', environment);
  const site = `http://127.0.0.1:${port}`;
  return {
    name: "pg-boss's dashboard",
    first: { url: `${site}/`, shown: 'a[href="/queues/noop"]' },
    list: { url: `${site}/queues/noop?state=completed`, shown: 'a[href^="/queues/noop/jobs/"]' },
    async close() {
      await process.kill();
      await server.dropDatabase(name);
    },
  };
}

/** bull-board over so many completed jobs of BullMQ on Redis; null if there is no Redis. */
export async function openBullBoard(folder: string, jobs: number): Promise<Site | null> {
  if (!(await hasRedis())) return null;
  const redis = await startRedis();
  const connection = { host: '127.0.0.1', port: redis.port };
  const queue = new Queue('noop', { connection });
  for (let from = 0; from < jobs; from += BATCH) {
    const size = Math.min(BATCH, jobs - from);
    await queue.addBulk(
      Array.from({ length: size }, (_, index) => ({ name: 'noop', data: { number: from + index } })),
    );
  }
  const worker = new Worker('noop', async () => ({}), { connection, concurrency: 200 });
  await new Promise<void>((resolve) => worker.on('drained', () => resolve()));
  while ((await queue.getCompletedCount()) < jobs) await new Promise((resolve) => setTimeout(resolve, 50));
  await worker.close();
  await queue.close();
  const environment = { REDIS_PORT: String(redis.port), DASHBOARDS: folder };
  const { process, first } = await startProcess('bench/peers/bull_board.ts', environment);
  return {
    name: 'bull-board',
    first: { url: `${first}/`, shown: 'a[href$="/queue/noop"]' },
    list: { url: `${first}/queue/noop?status=completed`, shown: 'a[href*="/queue/noop/"]' },
    async close() {
      await process.kill();
      await redis.stop();
    },
  };
}
