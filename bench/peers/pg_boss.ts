import { setTimeout as pause } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';

// A pg-boss process that fetches and completes in batches, in one of two ways: by hand, with one
// output for a batch, or by workers that give each job its own output. Both use the batch sizes
// that were fastest. With a limit for each group of jobs, a batch has at most as many of a group.
const limit = process.env.GROUP_LIMIT;
const groups = limit === undefined ? {} : { groupConcurrency: Number(limit) };
const SHARED = { batchSize: 1_000, loops: 2 };
const EACH = { batchSize: 200, loops: 2 };
const IDLE_MS = 20;

const boss = new PgBoss({
  connectionString: process.env.DATABASE_URL ?? '',
  schedule: false,
  supervise: false,
});
await boss.start();
let isGoing = false;
let loops: Promise<void>[] = [];

const output = (): { at: number } => ({ at: performance.timeOrigin + performance.now() });

async function loop(): Promise<void> {
  while (isGoing) {
    const jobs = await boss.fetch('noop', { batchSize: SHARED.batchSize, ...groups });
    const ids = jobs.map(({ id }) => id);
    if (ids.length === 0) await pause(IDLE_MS);
    else await boss.complete('noop', ids, output());
  }
}

const shared = {
  async go() {
    isGoing = true;
    loops = Array.from({ length: SHARED.loops }, loop);
  },
  async hold() {
    isGoing = false;
    await Promise.all(loops);
  },
};

const each = {
  async go() {
    const options = {
      ...{ batchSize: EACH.batchSize, localConcurrency: EACH.loops, pollingIntervalSeconds: 0.5 },
      ...{ burstWhenBatchFull: true, perJobResults: true as const },
    };
    await boss.work('noop', options, async (jobs) =>
      jobs.map(({ id }) => ({ id, status: 'completed' as const, output: output() })),
    );
  },
  hold: () => boss.offWork('noop', { wait: true }),
};

const way = process.env.OUTPUTS === 'each' ? each : shared;
process.on('message', (word) => {
  void (word === 'go' ? way.go() : way.hold()).then(() => process.send?.(word));
});
process.on('SIGTERM', () => {
  isGoing = false;
  void boss.stop().then(() => process.exit());
});
process.send?.('ready');
