import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Goal } from '../goals.ts';
import { benchPool, isDrained, startApi, startRunner } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import type { BenchServer } from '../server.ts';
import { type IdleOptions, measureIdle } from './idle.ts';
import { submitTasks } from './submit.ts';
import { type Memory, readMemory } from './usage.ts';

const PARTS = 10;
/**
 * Index of the part that the last one is compared with: the heap of V8 first grows to a plateau.
 */
const PLATEAU = 1;
const MAX_GROWTH = 1.3;
const POLL_MS = 100;

/** One of the two processes, and its memory after each part. */
type Watched = { name: 'API' | 'runner'; pid: number; base: string; after: Memory[] };

/**
 * Compares the memory of idle processes with that of an earlier build (idle.ts). Then it submits tasks
 * that do nothing to a real API process, a tenth at a time, and lets a real runner execute them. Reads the memory of both whenever all tasks are done. Throws if a submission is
 * refused, or a process ends.
 */
export async function measureMemory(
  server: BenchServer,
  { tasks, ...idleOptions }: { tasks: number } & IdleOptions,
  log: (line: string) => void,
): Promise<Section> {
  const idle = await measureIdle(server, idleOptions, log);
  const { name, url } = await server.freshDatabase();
  const [api, runner] = await Promise.all([startApi(url), startRunner(url)]);
  const pool = benchPool(url);
  const watched: Watched[] = [
    { name: 'API', pid: api.process.pid, base: api.base, after: [] },
    { name: 'runner', pid: runner.process.pid, base: runner.base, after: [] },
  ];
  try {
    for (let part = 1; part <= PARTS; part++) {
      log(`memory, part ${part} of ${PARTS} of ${tasks.toLocaleString('en')} tasks`);
      await submitTasks(api.base, Math.ceil(tasks / PARTS));
      await drained(pool, watched);
      for (const one of watched) one.after.push(await readMemory(one));
    }
  } finally {
    await Promise.all([api.process.stop(), runner.process.stop()]);
    await pool.end();
    await server.dropDatabase(name);
  }
  return toSection(tasks, watched, { goals: idle, baseline: idleOptions.baseline });
}

async function drained(pool: Pool, watched: readonly Watched[]): Promise<void> {
  while (!(await isDrained(pool))) {
    // Signal 0 only checks whether the process exists, and throws if it does not.
    for (const { pid } of watched) process.kill(pid, 0);
    await pause(POLL_MS);
  }
}

function toSection(
  tasks: number,
  watched: readonly Watched[],
  idle: { goals: Goal[]; baseline: string },
): Section {
  return goalSection({
    title: 'Memory of API and runner over many tasks',
    about:
      `${tasks.toLocaleString('en')} tasks that do nothing are submitted over HTTP in batches of 1,000, with one single ` +
      'submission for every hundred, and are executed. After each tenth, when all are done, the resident memory of ' +
      'both processes (VmRSS) and the used part of their heaps are read. Growth is the memory at the end divided by ' +
      'that after the first fifth, when the heap of V8 has reached its size; MB figures are medians without the first ' +
      `tenth. Before that, an API and a runner of this build and of commit ${idle.baseline} are started in turns, and ` +
      'their resident memory is read when they have been idle for 5 seconds.',
    goals: [...idle.goals, ...watched.flatMap(goalsOf)],
    data: { tasks, idle: idle.goals, processes: watched.map(({ name, after }) => ({ name, after })) },
  });
}

function goalsOf({ name, after }: Watched): Goal[] {
  const figures = (of: keyof Memory): number[] => after.map((memory) => memory[of]).slice(PLATEAU);
  const resident = figures('residentMb');
  const growth = (resident.at(-1) ?? Number.NaN) / (resident[0] ?? Number.NaN);
  const shown = { peer: null, goal: null };
  return [
    {
      what: `growth of the ${name}`,
      unit: '× after a fifth',
      ours: [growth],
      peer: null,
      goal: { atMost: MAX_GROWTH },
    },
    { what: `memory of the ${name}`, unit: 'MB', ours: resident, ...shown },
    { what: `heap in use of the ${name}`, unit: 'MB', ours: figures('heapMb'), ...shown },
  ];
}
