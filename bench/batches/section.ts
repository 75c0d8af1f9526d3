import { type Executed, measureExecution } from '../execute/measure.ts';
import { startProcess } from '../process.ts';
import { errandOver } from '../queues/errand.ts';
import type { QueueKind } from '../queues/queue.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { BATCH_SIZE } from './tasks.ts';

/** As in the other parts. */
const CONCURRENCY = '60';

/** The tasks of one kind, and of its batches, in a runner of the tasks in tasks.ts. */
function kindOf(name: string, task: string): QueueKind {
  return {
    name,
    async open(server, processes) {
      return errandOver(await server.freshDatabase(), processes, {
        task,
        start: (url) =>
          startProcess('bench/batches/runner.ts', { DATABASE_URL: url, RUNNER_CONCURRENCY: CONCURRENCY }),
      });
    },
  };
}

const PAIRS = [
  { what: 'tasks that do nothing', single: 'bench.nothing', together: 'bench.nothing_together' },
  { what: 'tasks that write a row each', single: 'bench.write', together: 'bench.write_together' },
];

/**
 * Measures how fast tasks are executed in batches, compared with the same tasks one by one. Throws if a runner
 * fails.
 */
export async function measureBatches(
  server: BenchServer,
  { tasks, rounds }: { tasks: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const kinds = PAIRS.flatMap(({ what, single, together }) => [
    kindOf(`${what}, in batches`, together),
    kindOf(`${what}, one by one`, single),
  ]);
  const subjects = kinds.map((kind) => ({
    name: kind.name,
    measure: () => measureExecution(server, kind, { tasks, processes: 1 }),
  }));
  const measured = await inRounds(subjects, rounds, log);
  const goals = PAIRS.flatMap(({ what }, index) => {
    const [ours = [], theirs = []] = measured.slice(2 * index);
    const row = (unit: string, figure: (executed: Executed) => number, title: string) => ({
      ...{ what: `${what}: ${title}`, unit, ours: ours.map(figure), goal: null },
      peer: { name: 'one by one', rounds: theirs.map(figure) },
    });
    return [
      row('tasks/s', ({ perSecond }) => perSecond, 'execution'),
      row('s per 1,000 tasks', ({ nodeCpu, postgresCpu }) => nodeCpu + postgresCpu, 'CPU'),
      row('per task', ({ statements }) => statements ?? Number.NaN, 'statements'),
    ];
  });
  return goalSection({
    title: 'Batch handlers',
    about:
      `One process executes ${tasks.toLocaleString('en')} waiting tasks in batches of ${BATCH_SIZE}, compared with the ` +
      'same tasks one by one, in turns, each time in a new database. Each task has its own record either way. A batch ' +
      'writes its rows with one statement.',
    goals,
    data: kinds.map(({ name }, index) => ({ name, rounds: measured[index] })),
  });
}
