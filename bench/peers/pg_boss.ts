import { PgBoss } from 'pg-boss';

// A process of pg-boss whose workers fetch and complete in batches without a pause between them, the fastest of its ways
// in which each job has an output of its own.
const BATCH = 500;
const WORKERS = 2;

const boss = new PgBoss({
  connectionString: process.env.DATABASE_URL ?? '',
  schedule: false,
  supervise: false,
});
await boss.start();

async function go(): Promise<void> {
  await boss.work(
    'noop',
    {
      batchSize: BATCH,
      localConcurrency: WORKERS,
      pollingIntervalSeconds: 0.5,
      burstWhenBatchFull: true,
      perJobResults: true,
    },
    async (jobs) =>
      jobs.map(({ id }) => ({
        id,
        status: 'completed' as const,
        output: { at: performance.timeOrigin + performance.now() },
      })),
  );
}

process.on('message', (word) => {
  const obeyed = word === 'go' ? go() : boss.offWork('noop', { wait: true });
  void obeyed.then(() => process.send?.(word));
});
process.on('SIGTERM', () => void boss.stop().then(() => process.exit()));
process.send?.('ready');
