import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { OPEN } from '../../core/states.ts';
import { submitBatch } from '../../store/submit/submit_batch.ts';
import { benchPool, isDrained, noOp, SLEEP, startRunner } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Ran, type Use, useOfRunners } from './busy.ts';

const RUNNERS = 4;
const SLOTS = 4;
const SHORT_MS = 5;
const LONG_MS = 500;
/** One of this many tasks is long. */
const ONE_LONG_IN = 10;
const WARM_UP_TASKS = 500;
const POLL_MS = 25;
/**
 * The goal for the busy part of the slots: a fifth may go to fetching, and to finding out which
 * tasks are long.
 */
const MIN_BUSY = 0.8;

/**
 * Four runners execute tasks of one name, a few of which take a hundred times as long as the
 * others. All are submitted at once. Measures how much of the slots was used while tasks were left.
 * Throws if a process ends.
 */
export async function measureMix(
  server: BenchServer,
  { tasks, rounds }: { tasks: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const subject = { name: 'a mix of long and short tasks', measure: () => measureOnce(server, tasks) };
  const [uses = []] = await inRounds([subject], rounds, log);
  return goalSection({
    title: 'Long and short tasks mixed on four runners',
    about:
      `${tasks.toLocaleString('en')} tasks of one name, one in ${ONE_LONG_IN} of ${LONG_MS} ms and the others of ${SHORT_MS} ms, ` +
      `in random order and submitted at once, executed by ${RUNNERS} runners with ${SLOTS} slots each. Measured from the first start ` +
      'to the last, because after that the work does not fill all slots. A dispatch announces up to a hundred tasks, so a ' +
      'runner could hold work that others have slots for.',
    goals: [
      {
        ...{ what: 'busy part of the slots', unit: 'of 1', peer: null, goal: { atLeast: MIN_BUSY } },
        ours: uses.map(({ busyShare }) => busyShare),
      },
      {
        ...{ what: 'longest idle time of a runner', unit: 'ms', peer: null, goal: null },
        ours: uses.map(({ longestIdleMs }) => longestIdleMs),
      },
    ],
    data: { tasks, runners: RUNNERS, slots: SLOTS, uses },
  });
}

async function measureOnce(server: BenchServer, tasks: number): Promise<Use> {
  const { name, url } = await server.freshDatabase();
  const environment = { RUNNER_CONCURRENCY: String(SLOTS) };
  const runners = [(await startRunner(url, environment)).process];
  const pool = benchPool(url);
  try {
    for (let more = 1; more < RUNNERS; more++) runners.push((await startRunner(url, environment)).process);
    await submitBatch(pool, Array.from({ length: WARM_UP_TASKS }, noOp));
    while (!(await isDrained(pool))) await pause(POLL_MS);
    await submitBatch(
      pool,
      mixed(tasks).map((ms) => ({ ...noOp(), name: SLEEP, payload: { ms } })),
    );
    while (await hasOpen(pool)) {
      // Signal 0 only checks whether the process exists, and throws if it does not.
      for (const { pid } of runners) process.kill(pid, 0);
      await pause(POLL_MS);
    }
    return useOfRunners(await readRan(pool), await readRunners(pool), SLOTS);
  } finally {
    await Promise.all(runners.map((runner) => runner.stop()));
    await pool.end();
    await server.dropDatabase(name);
  }
}

/** How long each task takes, in random order. */
function mixed(tasks: number): number[] {
  return Array.from({ length: tasks }, (_, task) => ({
    ms: task % ONE_LONG_IN === 0 ? LONG_MS : SHORT_MS,
    place: Math.random(),
  }))
    .sort((a, b) => a.place - b.place)
    .map(({ ms }) => ms);
}

/** Whether any task has not ended. Uses tasks_name_state_id_idx. */
async function hasOpen(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ left: boolean }>(
    `select /* bench */ exists (select from errand.tasks where name = $1 and state = any ($2)) as left`,
    [SLEEP, OPEN],
  );
  return rows[0]?.left === true;
}

async function readRan(pool: Pool): Promise<Ran[]> {
  const { rows } = await pool.query<Ran>(
    `select /* bench */ runner_id as "runnerId",
            extract(epoch from started_at)::float8 * 1000 as "startedAt",
            extract(epoch from finished_at)::float8 * 1000 as "finishedAt"
       from errand.tasks
      where name = $1`,
    [SLEEP],
  );
  return rows;
}

async function readRunners(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>('select /* bench */ id from errand.runners');
  return rows.map(({ id }) => id);
}
