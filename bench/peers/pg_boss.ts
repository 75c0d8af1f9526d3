import { setTimeout as pause } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';

// A process of pg-boss that fetches and completes in batches, the way that its documentation calls the fastest.
const BATCH = 1_000;
const LOOPS = 2;
const IDLE_MS = 20;

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL ?? '', schedule: false, supervise: false });
await boss.start();
let isGoing = false;
let loops: Promise<void>[] = [];

async function loop(): Promise<void> {
  while (isGoing) {
    const jobs = await boss.fetch('noop', { batchSize: BATCH });
    if (jobs.length === 0) await pause(IDLE_MS);
    else
      await boss.complete(
        'noop',
        jobs.map(({ id }) => id),
        { at: performance.timeOrigin + performance.now() },
      );
  }
}

async function hold(): Promise<void> {
  isGoing = false;
  await Promise.all(loops);
}

process.on('message', (word) => {
  if (word === 'hold') return void hold().then(() => process.send?.('held'));
  isGoing = true;
  loops = Array.from({ length: LOOPS }, loop);
  process.send?.('going');
});
process.on('SIGTERM', () => void hold().then(() => process.exit()));
process.send?.('ready');
