import { executed, warmUp } from '../execute/measure.ts';
import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, median, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { behindBacklog, handOvers } from './delays.ts';
import { type Limited, openLimited } from './queue.ts';

export type LimitsOptions = {
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

/**
 * Measures what limits cost: the execution of tasks without a limit, with one of 100, and with a limit of
 * 1 for each of many keys; how long a slot is empty between two attempts; and how soon a task starts
 * behind a backlog of another key. Throws if a runner fails.
 */
export async function measureLimits(
  server: BenchServer,
  options: LimitsOptions,
  log: (line: string) => void,
): Promise<Section> {
  const limited = await openLimited(server);
  let rates: number[][];
  let gaps: { short: number[]; slow: number[] };
  try {
    rates = await measureRates(server, limited, options, log);
    log('hand-over of a limit of 1');
    gaps = {
      short: await handOvers(limited, 'bench.one', options.handOvers),
      slow: await handOvers(limited, 'bench.slow_one', Math.ceil(options.handOvers / SLOWER)),
    };
  } finally {
    await limited.close();
  }
  log(`a task behind ${options.backlog.toLocaleString('en')} of another key`);
  const waits = await behindBacklog(server, options);
  return toSection(options, { rates, gaps, waits });
}

/** Attempts that take 20 ms are measured with this part of the tasks. */
const SLOWER = 5;

async function measureRates(
  server: BenchServer,
  limited: Limited,
  { tasks, rounds, keys }: LimitsOptions,
  log: (line: string) => void,
): Promise<number[][]> {
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
  return inRounds(subjects, rounds, log);
}

type Data = { rates: number[][]; gaps: { short: number[]; slow: number[] }; waits: number[] };

function toSection(options: LimitsOptions, data: Data): Section {
  const { rates, gaps, waits } = data;
  const [free = [], hundred = [], keyed = []] = rates;
  const keys = options.keys.toLocaleString('en');
  const rate = (what: string, ours: Rounds, atLeast: number): Goal => ({
    ...{ what, unit: 'tasks/s', ours, goal: { atLeast } },
    peer: { name: 'Errand without a limit', rounds: free },
  });
  const delay = (what: string, ours: Rounds, atMost: number): Goal => ({
    ...{ what, unit: 'ms', ours, peer: null, goal: { atMost } },
  });
  return goalSection({
    title: 'Limits',
    about:
      `One runner executes ${options.tasks.toLocaleString('en')} waiting tasks that do nothing, without a limit, with a limit of ` +
      `100, and with a limit of 1 for each of ${keys} keys, in turns. The hand-over is the time from the end of an attempt to ` +
      'the start of the next one of the same limit of 1: with attempts that do nothing, which hand their slot on within the ' +
      `runner, and with attempts of 20 ms, which hand it over through the ledger. ${options.backlog.toLocaleString('en')} tasks of one key ` +
      'wait for 10 slots, each takes 10 ms, and then one task of another key is submitted: from the submission to its start.',
    goals: [
      rate('execution with a limit of 100', hundred, 0.7),
      rate(`execution with ${keys} keys of a limit of 1`, keyed, 0.5),
      delay('hand-over of a limit of 1, median', [median(gaps.short)], 5),
      delay('hand-over of a limit of 1 through the ledger, median', [median(gaps.slow)], 5),
      delay(`start behind ${options.backlog.toLocaleString('en')} tasks of another key`, waits, 100),
    ],
    data: { ...options, ...data },
  });
}
