import { createPostgresBackend, Worker } from 'bullmq';

// A BullMQ process, on Postgres or on Redis.
const CONCURRENCY = 100;
const { DATABASE_URL: url = '', REDIS_PORT: port } = process.env;

const noop = async (): Promise<{ at: number }> => ({ at: performance.timeOrigin + performance.now() });
const worker =
  port === undefined
    ? new Worker(
        'noop',
        noop,
        { connection: { connectionString: url, max: 20 }, concurrency: CONCURRENCY },
        createPostgresBackend,
      )
    : new Worker('noop', noop, {
        connection: { host: '127.0.0.1', port: Number(port) },
        concurrency: CONCURRENCY,
      });
worker.on('error', (error) => console.error(error));
await worker.waitUntilReady();
process.on('SIGTERM', () => void worker.close().then(() => process.exit()));
process.send?.('ready');
