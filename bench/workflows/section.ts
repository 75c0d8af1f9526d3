import { type Running, startBuild } from '../before/running.ts';
import { type Build, type Earlier, openEarlier, WORKING_TREE } from '../definitions/builds.ts';
import type { Goal } from '../goals.ts';
import type { Section } from '../report.ts';
import { inRounds, median, parts, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Durations, toDurations } from '../timing.ts';
import { type Chain, jobChain, NUMBERS, STEPS, WORKFLOW, workflowChain } from './chains.ts';
import { measureMany, type Rates } from './many.ts';
import { statementsOfOne, type Typical, typical } from './statements.ts';

/** The goals of issue 21. */
const GOALS = {
  chain: { atMost: 1 },
  statements: { atMost: 10 },
  many: { atLeast: 0.6 },
} satisfies Record<string, Goal['goal']>;

/** The median of each part of the durations is taken, so that there is a spread. */
const PARTS = 5;
const WARM_UP = 20;
/** How many workflows are counted, and how many run before. */
const COUNTED = { workflows: 7, before: 3 };

export type WorkflowsOptions = Earlier & {
  /** How often four steps run one after the other. */
  repetitions: number;
  /** How many workflows run at once, how many plain tasks beside them, and how often both do. */
  many: number;
  tasks: number;
  rounds: number;
};

type Log = (line: string) => void;
type Pair<Measured> = { ours: Measured[]; theirs: Measured[] };
type Measured = {
  chains: { ours: number[]; peer: number[]; earlier: number[] };
  sent: { ours: Typical; theirs: Typical };
  rates: Pair<Rates>;
};

/**
 * Measures workflows of four steps in a row, of this build and of an earlier one in turns: alone, as long
 * as four graphile-worker jobs that add each other; their statements; and many at once, beside plain tasks.
 * Throws if a workflow does not succeed, or the commit is missing.
 */
export async function measureWorkflows(
  server: BenchServer,
  options: WorkflowsOptions,
  log: Log,
): Promise<Section> {
  await using opened = new AsyncDisposableStack();
  const builds = [WORKING_TREE, await openEarlier(opened, options)] as const;
  log('four steps, as a workflow and as jobs that add each other');
  const chains = await measureChains(server, builds, options);
  const both = await Promise.all(
    builds.map(async (build) => opened.adopt(await startBuild(server, build), ({ close }) => close())),
  );
  const sent = await countStatements(server, both, log);
  const rates = await measureRates(both, options, log);
  return toSection(options, { chains, sent, rates });
}

async function measureChains(
  server: BenchServer,
  [build, earlier]: readonly [Build, Build],
  { repetitions }: WorkflowsOptions,
): Promise<Measured['chains']> {
  await using opened = new AsyncDisposableStack();
  const adopt = (chain: Chain): Chain => opened.adopt(chain, ({ close }) => close());
  const chains = [
    adopt(await workflowChain(server, build)),
    adopt(await jobChain(server)),
    adopt(await workflowChain(server, earlier)),
  ];
  const subjects = chains.map(({ name, run }) => ({ name, measure: run }));
  await inRounds(subjects, Math.min(WARM_UP, repetitions), () => {});
  const [ours = [], peer = [], theirs = []] = await inRounds(subjects, repetitions, () => {});
  return { ours, peer, earlier: theirs };
}

/** There are as many rounds as numbers last for, after a round to warm up. */
async function measureRates(
  both: readonly Running[],
  { many, tasks, rounds }: WorkflowsOptions,
  log: Log,
): Promise<Measured['rates']> {
  const subjects = both.map((running) => {
    let used = 0;
    return {
      name: `${many.toLocaleString('en')} workflows at once, ${running.name}`,
      async measure() {
        const rates = await measureMany(running, { workflows: many, used, tasks });
        used += many;
        return rates;
      },
    };
  });
  const most = Math.floor((NUMBERS.to - NUMBERS.from - COUNTED.workflows - COUNTED.before) / many) - 1;
  await inRounds(subjects, 1, (line) => log(`warming up: ${line}`));
  const [ours = [], theirs = []] = await inRounds(subjects, Math.min(rounds, most), log);
  return { ours, theirs };
}

async function countStatements(
  server: BenchServer,
  both: readonly Running[],
  log: Log,
): Promise<Measured['sent']> {
  log('the statements of a workflow, alone');
  let counted = 0;
  const subjects = both.map((running) => ({
    name: running.name,
    measure: () => statementsOfOne(server, running, NUMBERS.to - counted++),
  }));
  await inRounds(subjects, COUNTED.before, () => {});
  const [ours = [], theirs = []] = await inRounds(subjects, COUNTED.workflows, () => {});
  return { ours: typical(ours), theirs: typical(theirs) };
}

function toSection(options: WorkflowsOptions, measured: Measured): Section {
  const { ours, peer, earlier } = measured.chains;
  const jobs = toDurations(peer);
  const row = (what: string, by: string, { times, median: p50, p99 }: Durations): string[] => [
    ...[what, by, String(times), p50.toFixed(1), p99.toFixed(1), (p50 / jobs.median).toFixed(2)],
  ];
  const many = options.many.toLocaleString('en');
  return {
    title: 'Four steps, one after the other',
    about:
      'From before the submission to the recorded end, one at a time on an idle machine, in turns. API, runner and ' +
      'worker are separate processes. The workflow is submitted over HTTP, and its steps, results and attempts are ' +
      'recorded; the jobs only add each other. Times in ms; the ratio of the second table is that of the medians. ' +
      'Statements are all that the API and the runner send for a workflow that runs alone and that nobody waits for, ' +
      `transactions included: the median of each over ${COUNTED.workflows}, which is without heartbeats and polls. ` +
      `${many} workflows are due at once, and are executed by one runner, and ` +
      `${options.tasks.toLocaleString('en')} plain tasks, which do nothing: both from the first start until all is recorded. ${options.baseline} is an earlier build.`,
    goals: goalsOf(options, measured),
    head: ['what', 'by', 'times', 'p50', 'p99', 'ratio'],
    rows: [
      row(`${WORKFLOW}, results recorded`, 'Errand', toDurations(ours)),
      row('four jobs, each adds the next', 'graphile-worker', jobs),
      row(`${WORKFLOW}, results recorded`, options.baseline, toDurations(earlier)),
    ],
    data: { many: options.many, tasks: options.tasks, rounds: options.rounds, ...measured },
  };
}

function goalsOf({ baseline, many }: WorkflowsOptions, { chains, sent, rates }: Measured): Goal[] {
  const medians = (durations: Rounds): Rounds => parts(durations, PARTS).map(median);
  const steps = (all: readonly Rates[]): Rounds => all.map((one) => one.steps);
  const tasks = (all: readonly Rates[]): Rounds => all.map((one) => one.tasks);
  const chain = { what: 'four steps, p50', unit: 'ms', ours: medians(chains.ours) };
  const alone = { what: 'statements of a workflow, alone', unit: 'statements', ours: [sent.ours.calls] };
  const atOnce = {
    what: `steps of ${many.toLocaleString('en')} workflows of ${STEPS} at once`,
    ...{ unit: 'per second', ours: steps(rates.ours) },
  };
  return [
    { ...chain, goal: GOALS.chain, peer: { name: 'graphile-worker', rounds: medians(chains.peer) } },
    { ...chain, goal: null, peer: { name: baseline, rounds: medians(chains.earlier) } },
    { ...alone, goal: GOALS.statements, peer: null },
    { ...alone, goal: null, peer: { name: baseline, rounds: [sent.theirs.calls] } },
    { ...atOnce, goal: GOALS.many, peer: { name: 'Errand, plain tasks', rounds: tasks(rates.ours) } },
    { ...atOnce, goal: null, peer: { name: baseline, rounds: steps(rates.theirs) } },
  ];
}
