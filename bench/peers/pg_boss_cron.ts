import { PgBoss } from 'pg-boss';

// A pg-boss process with so many schedules for each minute, which reports when its jobs started. It
// looks at schedules and polls as often as pg-boss allows, and its queue announces new jobs.
const lines = Number(process.env.LINES);
const started: number[] = [];

const boss = new PgBoss({
  connectionString: process.env.DATABASE_URL ?? '',
  ...{ schedule: true, cronMonitorIntervalSeconds: 1, cronWorkerIntervalSeconds: 1 },
  ...{ supervise: false, useListenNotify: true },
});
boss.on('error', (error) => console.error(error));
await boss.start();
await boss.createQueue('tick', { notify: true });
for (let line = 0; line < lines; line++)
  await boss.schedule('tick', '* * * * *', {}, { key: `line_${line}` });
await boss.work('tick', { batchSize: lines, pollingIntervalSeconds: 0.5 }, async (jobs) => {
  for (const _ of jobs) started.push(performance.timeOrigin + performance.now());
});
process.on('message', () => void process.send?.({ started }));
process.on('SIGTERM', () => void boss.stop().then(() => process.exit()));
process.send?.('ready');
