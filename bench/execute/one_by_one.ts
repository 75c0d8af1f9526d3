import { errandOneByOne } from '../queues/errand_http.ts';
import { graphileOneByOne } from '../queues/graphile_worker.ts';
import { CALLERS } from '../queues/one_by_one.ts';
import type { QueueKind } from '../queues/queue.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { executed, withQueue } from './measure.ts';

type Passed = { submittedPerSecond: number; executedPerSecond: number; bothPerSecond: number };

/**
 * Measures how fast tasks are executed that were submitted one by one, so that none shares a
 * dispatch or an insert with another: over HTTP, compared with jobs of graphile-worker's addJob.
 * Throws if a task is refused.
 */
export async function measureOneByOne(
  server: BenchServer,
  { tasks, rounds }: { tasks: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const subjects = [errandOneByOne, graphileOneByOne].map((kind) => ({
    name: `${kind.name}, tasks submitted one by one`,
    measure: () => pass(server, kind, tasks),
  }));
  const [ours = [], theirs = []] = await inRounds(subjects, rounds, log);
  const row = (what: string, figure: (passed: Passed) => number, goal: { atLeast: number } | null) => ({
    ...{ what, unit: 'tasks/s', ours: ours.map(figure), goal },
    peer: { name: graphileOneByOne.name, rounds: theirs.map(figure) },
  });
  return goalSection({
    title: 'Tasks that come one by one',
    about:
      `${tasks.toLocaleString('en')} tasks are submitted one by one, ${CALLERS} at a time, while nothing is executed, and then ` +
      'executed by one process. Errand gets them over HTTP from a process of its API, graphile-worker by addJob in the ' +
      'measuring process. In turns, each time in a new database.',
    goals: [
      row('execution', ({ executedPerSecond }) => executedPerSecond, { atLeast: 0.8 }),
      row('submission and execution together', ({ bothPerSecond }) => bothPerSecond, null),
      row('submission', ({ submittedPerSecond }) => submittedPerSecond, null),
    ],
    data: { tasks, errand: ours, graphileWorker: theirs },
  });
}

function pass(server: BenchServer, kind: QueueKind, tasks: number): Promise<Passed> {
  return withQueue(server, kind, { tasks, processes: 1 }, async (queue) => {
    const startedAt = performance.now();
    await queue.fill(tasks);
    const submittedPerSecond = tasks / ((performance.now() - startedAt) / 1_000);
    const { perSecond: executedPerSecond } = await executed(server, queue, tasks);
    const bothPerSecond = 1 / (1 / submittedPerSecond + 1 / executedPerSecond);
    return { submittedPerSecond, executedPerSecond, bothPerSecond };
  });
}
