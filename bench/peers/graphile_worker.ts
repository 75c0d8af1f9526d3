import { type Runner, run } from 'graphile-worker';

// A graphile-worker process that fetches on request. Its settings are those of graphile-worker's
// performance test, with a higher concurrency where that is faster.
const connectionString = process.env.DATABASE_URL ?? '';
let runner: Runner | null = null;

async function go(): Promise<void> {
  runner = await run({
    connectionString,
    noHandleSignals: true,
    crontab: '',
    preset: {
      worker: {
        concurrentJobs: 24,
        maxPoolSize: 25,
        localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    taskList: { noop: () => {} },
  });
  process.send?.('going');
}

async function hold(): Promise<void> {
  await runner?.stop();
  runner = null;
  process.send?.('held');
}

process.on('message', (word) => void (word === 'go' ? go() : hold()));
process.on('SIGTERM', () => void Promise.resolve(runner?.stop()).then(() => process.disconnect?.()));
process.send?.('ready');
