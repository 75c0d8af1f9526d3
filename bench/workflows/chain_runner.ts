import { run, type Task } from 'graphile-worker';

// The peer of a workflow of four steps: four jobs of graphile-worker, each of which adds the next,
// without results, attempts or a record of the workflow. The last job reports when it was done.
const NAMES = ['one', 'two', 'three', 'four'];

const taskList = Object.fromEntries(
  NAMES.map((name, index): [string, Task] => [
    name,
    async (_payload, helpers) => {
      const next = NAMES[index + 1];
      if (next !== undefined) await helpers.addJob(next, {});
      else process.send?.({ doneAt: performance.timeOrigin + performance.now() });
    },
  ]),
);

const runner = await run({
  connectionString: process.env.DATABASE_URL ?? '',
  concurrency: 10,
  noHandleSignals: true,
  taskList,
});
process.on('SIGTERM', () => void runner.stop().then(() => process.disconnect?.()));
process.send?.({ started: true });
