import { run } from 'graphile-worker';

// A graphile-worker process that reports when each of its handlers starts. An idle worker starts a
// job soonest without a local queue, and with a connection for each of its workers.
const runner = await run({
  connectionString: process.env.DATABASE_URL ?? '',
  noHandleSignals: true,
  crontab: '',
  preset: { worker: { concurrentJobs: 10, maxPoolSize: 12 } },
  taskList: {
    noop: () => void process.send?.({ at: performance.timeOrigin + performance.now() }),
  },
});
process.on('SIGTERM', () => void runner.stop().then(() => process.disconnect?.()));
process.send?.('ready');
