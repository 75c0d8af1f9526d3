import { setTimeout as pause } from 'node:timers/promises';
import { type Runner, run } from 'graphile-worker';

// A graphile-worker process that fetches on request. Its settings are those of graphile-worker's
// performance test, with a higher concurrency where that is faster. If its jobs wait, it has few slots
// and keeps few jobs, so that other processes get the others.
const { DATABASE_URL: connectionString = '', WAIT_MS: waitMs, SLOTS: slots = '24' } = process.env;
const concurrentJobs = Number(slots);
const JOBS_PER_SLOT = 4;
let runner: Runner | null = null;
/** When the first job after the last request started: a process may need longer to say that it fetches. */
let firstAt: number | null = null;

function noop(): Promise<void> | undefined {
  firstAt ??= performance.timeOrigin + performance.now();
  return waitMs === undefined ? undefined : pause(Number(waitMs));
}

async function go(): Promise<void> {
  firstAt = null;
  runner = await run({
    connectionString,
    noHandleSignals: true,
    crontab: '',
    preset: {
      worker: {
        concurrentJobs,
        maxPoolSize: concurrentJobs + 1,
        localQueue: {
          size: waitMs === undefined ? 500 : JOBS_PER_SLOT * concurrentJobs,
          refetchDelay: { durationMs: 10 },
        },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    taskList: { noop },
  });
  process.send?.({ firstAt });
}

async function hold(): Promise<void> {
  await runner?.stop();
  runner = null;
  process.send?.('held');
}

process.on('message', (word) => void (word === 'go' ? go() : hold()));
process.on('SIGTERM', () => void Promise.resolve(runner?.stop()).then(() => process.disconnect?.()));
process.send?.('ready');
