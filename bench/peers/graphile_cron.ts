import { run } from 'graphile-worker';

// A graphile-worker process with so many lines of crontab, all of them for each minute, which reports
// when its jobs started. As in latency_worker.ts: an idle worker starts a job soonest without a local
// queue.
const lines = Number(process.env.LINES);
const started: number[] = [];

const runner = await run({
  connectionString: process.env.DATABASE_URL ?? '',
  noHandleSignals: true,
  crontab: Array.from({ length: lines }, (_, line) => `* * * * * tick ?id=line_${line}`).join('\n'),
  preset: { worker: { concurrentJobs: 10, maxPoolSize: 12 } },
  taskList: {
    tick: () => void started.push(performance.timeOrigin + performance.now()),
  },
});
process.on('message', () => void process.send?.({ started }));
process.on('SIGTERM', () => void runner.stop().then(() => process.disconnect?.()));
process.send?.('ready');
