import { type Running, secondsToExecute, startBuild } from '../before/running.ts';
import { type Earlier, openEarlier, WORKING_TREE } from '../definitions/builds.ts';
import { executed, warmUp } from '../execute/measure.ts';
import { NO_OP } from '../queues/errand.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { behindBacklog, handOvers } from './delays.ts';
import { goalsOf, type LimitsData } from './goals.ts';
import { measurePeers } from './peers.ts';
import { type Limited, openLimited } from './queue.ts';

/** The baseline is the last build without limits. */
export type LimitsOptions = Earlier & {
  /** How many tasks are executed in a round. */
  tasks: number;
  rounds: number;
  keys: number;
  /** How many tasks hand the slot of a limit of 1 over. */
  handOvers: number;
  /** How many tasks of one key wait before those of the others. */
  backlog: number;
  /** How many other keys come behind them. */
  others: number;
};

/** The names that are executed in turns. The first one has no limit. */
const EXECUTED = ['bench.free', 'bench.hundred', 'bench.keyed'] as const;
/** Attempts that take 20 ms are measured with this part of the tasks. */
const SLOWER = 5;

type Log = (line: string) => void;

/**
 * Measures what limits cost: the execution of tasks without a limit, with one of 100, and with a limit of
 * 1 for each of many keys; how long a slot is empty between two attempts; how soon a task starts behind a
 * backlog of another key; and tasks without a limit beside the last build that had none. Throws if a
 * runner fails, or the commit is missing.
 */
export async function measureLimits(server: BenchServer, options: LimitsOptions, log: Log): Promise<Section> {
  const own = await measureOwn(server, options, log);
  log(`a task behind ${options.backlog.toLocaleString('en')} of another key`);
  const waits = await behindBacklog(server, options);
  const builds = await besideBuild(server, options, log);
  const peers = await measurePeers(server, options, log);
  return toSection(options, { ...own, waits, builds, peers });
}

async function measureOwn(
  server: BenchServer,
  options: LimitsOptions,
  log: Log,
): Promise<Pick<LimitsData, 'rates' | 'gaps'>> {
  const limited = await openLimited(server);
  try {
    const rates = await measureRates(server, limited, options, log);
    log('hand-over of a limit of 1');
    const gaps = {
      short: await handOvers(limited, 'bench.one', options.handOvers),
      slow: await handOvers(limited, 'bench.slow_one', Math.ceil(options.handOvers / SLOWER)),
    };
    return { rates, gaps };
  } finally {
    await limited.close();
  }
}

async function measureRates(
  server: BenchServer,
  limited: Limited,
  { tasks, rounds, keys }: LimitsOptions,
  log: Log,
): Promise<LimitsData['rates']> {
  const queues = EXECUTED.map((name) => ({ name, queue: limited.queue(name, keys) }));
  for (const { queue } of queues) {
    await queue.hold();
    await warmUp(queue, tasks);
  }
  const subjects = queues.map(({ name, queue }) => ({
    name: `${name} is executed`,
    async measure() {
      await queue.fill(tasks);
      const { perSecond } = await executed(server, queue, tasks);
      await queue.hold();
      return perSecond;
    },
  }));
  const [free = [], hundred = [], keyed = []] = await inRounds(subjects, rounds, log);
  return { free, hundred, keyed };
}

/** Executes tasks without a limit, by this build and by the one without limits. */
async function besideBuild(
  server: BenchServer,
  { tasks, rounds, ...earlier }: LimitsOptions,
  log: Log,
): Promise<LimitsData['builds']> {
  await using opened = new AsyncDisposableStack();
  const running: Running[] = [];
  for (const build of [WORKING_TREE, await openEarlier(opened, earlier)])
    running.push(opened.adopt(await startBuild(server, build), ({ close }) => close()));
  const load = { name: NO_OP, count: tasks, payloadOf: () => ({}) };
  const subjects = running.map((one) => ({
    name: `${one.name} executes tasks without a limit`,
    measure: async () => tasks / (await secondsToExecute(one, load)),
  }));
  await inRounds(subjects, 1, (line) => log(`warming up: ${line}`));
  const [ours = [], theirs = []] = await inRounds(subjects, rounds, log);
  return { ours, theirs };
}

function toSection(options: LimitsOptions, data: LimitsData): Section {
  const keys = options.keys.toLocaleString('en');
  return goalSection({
    title: 'Limits',
    about:
      `One runner executes ${options.tasks.toLocaleString('en')} waiting tasks, without a limit, with a limit of ` +
      `100, and with a limit of 1 for each of ${keys} keys, in turns; without a limit also beside ${options.baseline}, the ` +
      'last build that had no limits. The hand-over is the time from the end of an attempt to ' +
      'the start of the next one of the same limit of 1: with attempts that do nothing, which hand their slot on within the ' +
      `runner, and with attempts of 20 ms, which hand it over through the ledger. ${options.backlog.toLocaleString('en')} tasks of one key ` +
      'wait for 10 slots, each takes 10 ms, and then one task of another key is submitted: from the submission to its start. ' +
      'Each other queue is measured with the limits that it has: with a global concurrency of BullMQ, which knows no keys, and ' +
      'with groups of pg-boss, where one group of all jobs is a limit without keys. Neither lets keys take turns.',
    goals: goalsOf(options, data),
    data: { ...options, ...data },
  });
}
