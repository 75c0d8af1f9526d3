import type { Goal } from '../goals.ts';
import { errand, errandWaiting } from '../queues/errand.ts';
import { graphileWaiting, graphileWorker } from '../queues/graphile_worker.ts';
import type { QueueKind } from '../queues/queue.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, type Rounds, ratios } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Executed, measureExecution } from './measure.ts';

const MANY = 4;
/** The goals of issue 21, for the rate of four divided by that of one. */
const GOALS = {
  noOp: { besidePeer: { atLeast: 1 } },
  waiting: { alone: { atLeast: 3.8 }, besidePeer: { atLeast: 1 } },
};
/** The duration of tasks that only wait, and the slots of each process for them: they leave the CPU idle. */
const WAITING = { ms: 5, slots: 4 };

/** The rounds of one process, and those of four. */
type Scaled = { one: readonly Executed[]; four: readonly Executed[] };
type Compared = { errand: Scaled; graphileWorker: Scaled };

/**
 * Measures how much four processes on one database execute compared with one, for Errand and for
 * graphile-worker: tasks that do nothing, and tasks that wait. Throws if one fails.
 */
export async function measureRunners(
  server: BenchServer,
  { tasks, waiting, rounds }: { tasks: number; waiting: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const noOp = await compare(server, [errand, graphileWorker], { tasks, rounds, what: '' }, log);
  const { ms, slots } = WAITING;
  const load = { tasks: waiting, rounds, what: ` tasks of ${ms} ms` };
  const idle = await compare(server, [errandWaiting(ms, slots), graphileWaiting(ms, slots)], load, log);
  return goalSection({
    title: 'Four runners on one database',
    about:
      `${tasks.toLocaleString('en')} waiting tasks, as above, executed by one process and by ${MANY}, in turns. On a machine with few ` +
      'CPUs, four processes share the CPUs that one had nearly for itself: this compares how well each queue handles that. ' +
      `Then the same with ${waiting.toLocaleString('en')} tasks of ${ms} ms and ${slots} slots in each process, which leave the CPU idle: ` +
      'four processes could execute four times as many.',
    goals: [...goalsOfNoOp(noOp), ...goalsOfWaiting(idle)],
    data: { tasks, waiting, ...noOp, idle },
  });
}

async function compare(
  server: BenchServer,
  kinds: readonly [QueueKind, QueueKind],
  { tasks, rounds, what }: { tasks: number; rounds: number; what: string },
  log: (line: string) => void,
): Promise<Compared> {
  const subjects = kinds.flatMap((kind) =>
    [1, MANY].map((processes) => ({
      name: `${kind.name} executes${what} with ${processes}`,
      measure: () => measureExecution(server, kind, { tasks, processes }),
    })),
  );
  const [ourOne = [], ourFour = [], theirOne = [], theirFour = []] = await inRounds(subjects, rounds, log);
  return { errand: { one: ourOne, four: ourFour }, graphileWorker: { one: theirOne, four: theirFour } };
}

function goalsOfNoOp(compared: Compared): Goal[] {
  return [
    { ...scaling('rate of four / rate of one', compared), goal: GOALS.noOp.besidePeer },
    rate('execution by one', compared, ({ one }) => one),
    rate('execution by four', compared, ({ four }) => four),
  ];
}

function goalsOfWaiting(compared: Compared): Goal[] {
  const what = `of tasks of ${WAITING.ms} ms`;
  const factor = scaling(`rate of four / rate of one, ${what}`, compared);
  return [
    { ...factor, peer: null, goal: GOALS.waiting.alone },
    { ...factor, goal: GOALS.waiting.besidePeer },
    rate(`execution by one, ${what}`, compared, ({ one }) => one),
    rate(`execution by four, ${what}`, compared, ({ four }) => four),
    perTask(`statements by four, ${what}`, 'per task', compared.errand, compared.graphileWorker, statements),
    perTask(`CPU of four, ${what}`, 's per 1,000 tasks', compared.errand, compared.graphileWorker, cpu),
  ];
}

function scaling(what: string, { errand: ours, graphileWorker: theirs }: Compared): Goal {
  const factor = ({ one, four }: Scaled): Rounds => ratios(four.map(perSecond), one.map(perSecond));
  return { ...{ what, unit: '×', goal: null }, ours: factor(ours), peer: peer(factor(theirs)) };
}

function rate(
  what: string,
  { errand: ours, graphileWorker: theirs }: Compared,
  pick: (scaled: Scaled) => readonly Executed[],
): Goal {
  const figures = (scaled: Scaled): Rounds => pick(scaled).map(perSecond);
  return { ...{ what, unit: 'tasks/s', goal: null }, ours: figures(ours), peer: peer(figures(theirs)) };
}

/** Figures that depend less than rates on what else the machine does. */
function perTask(
  what: string,
  unit: string,
  ours: Scaled,
  theirs: Scaled,
  figure: (executed: Executed) => number,
): Goal {
  return { what, unit, goal: null, ours: ours.four.map(figure), peer: peer(theirs.four.map(figure)) };
}

function statements(executed: Executed): number {
  return executed.statements ?? Number.NaN;
}

function cpu({ nodeCpu, postgresCpu }: Executed): number {
  return nodeCpu + postgresCpu;
}

function peer(rounds: Rounds): Goal['peer'] {
  return { name: graphileWorker.name, rounds };
}

function perSecond(executed: Executed): number {
  return executed.perSecond;
}
