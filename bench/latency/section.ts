import { type Earlier, openEarlier, WORKING_TREE } from '../definitions/builds.ts';
import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, median, parts, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { quantile } from '../timing.ts';
import { wallClock } from './clock.ts';
import { openErrand, openGraphileWorker, type Start, type Starter } from './starters.ts';

/** The goals of issue 21, for the medians beside graphile-worker. */
const GOALS = { fromAnswer: { atMost: 1 }, fromSending: { atMost: 1.4 } };
/** The median of each is taken, so that there is a spread. */
const ROUNDS = 5;
const WARM_UP = 20;
const PEER = 'graphile-worker';

type Starts = { errand: Start[]; peer: Start[]; earlier: Start[] };

/**
 * Measures how soon a handler starts on an idle machine, one task at a time, the queues and an earlier build
 * in turns. `repetitions` is the number of tasks of each that count. Throws if a task does not succeed, or
 * the commit is missing.
 */
export async function measureLatency(
  server: BenchServer,
  { repetitions, ...earlier }: { repetitions: number } & Earlier,
  log: (line: string) => void,
): Promise<Section> {
  log(`start of a handler, ${repetitions} times`);
  const { starts, driftMs } = await measureStarts(server, repetitions, earlier);
  return goalSection({
    title: 'Latency of an idle queue',
    about:
      `Each starts one task that does nothing, ${repetitions.toLocaleString('en')} times in turns, with API, runner ` +
      'and worker as separate processes and graphile-worker without a local queue. The answer has arrived when its ' +
      'body is read, or when addJob has resolved. If a handler starts before that, the figure is below 0, and if ' +
      "graphile-worker's does, the time from the answer has no goal. " +
      `${earlier.baseline} is an earlier build. The clocks ` +
      'of the processes are compared: each is that of the machine, read at the start of the process; ' +
      `it was adjusted by ${Math.abs(driftMs).toFixed(2)} ms meanwhile.`,
    goals: goalsOf(starts, earlier.baseline),
    data: { repetitions, driftMs, starts },
  });
}

async function measureStarts(
  server: BenchServer,
  repetitions: number,
  earlier: Earlier,
): Promise<{ starts: Starts; driftMs: number }> {
  const clock = wallClock();
  await using opened = new AsyncDisposableStack();
  const adopt = (starter: Starter): Starter => opened.adopt(starter, ({ close }) => close());
  const build = await openEarlier(opened, earlier);
  const subjects = [
    { name: 'Errand', measure: adopt(await openErrand(server, clock, WORKING_TREE)).start },
    { name: PEER, measure: adopt(await openGraphileWorker(server, clock)).start },
    { name: build.name, measure: adopt(await openErrand(server, clock, build)).start },
  ];
  await inRounds(subjects, Math.min(WARM_UP, repetitions), () => {});
  const [ours = [], theirs = [], before = []] = await inRounds(subjects, repetitions, () => {});
  return { starts: { errand: ours, peer: theirs, earlier: before }, driftMs: clock.drift() };
}

function goalsOf(starts: Starts, baseline: string): Goal[] {
  const rows = (peer: { name: string; starts: readonly Start[] }, goals: Partial<typeof GOALS>): Goal[] => [
    ...durations('from the answer to the start', starts.errand, peer, ({ sinceAnswer }) => sinceAnswer, {
      goal: goals.fromAnswer ?? null,
    }),
    ...durations('from sending to the start', starts.errand, peer, ({ sinceSent }) => sinceSent, {
      goal: goals.fromSending ?? null,
    }),
  ];
  return [
    ...rows({ name: PEER, starts: starts.peer }, GOALS),
    ...rows({ name: baseline, starts: starts.earlier }, {}),
  ];
}

/** The median, which may have a goal, and the p99. */
function durations(
  what: string,
  errand: readonly Start[],
  peer: { name: string; starts: readonly Start[] },
  pick: (start: Start) => number,
  { goal }: Pick<Goal, 'goal'>,
): Goal[] {
  const row = (figure: string, of: (durations: Rounds) => Rounds): Goal => ({
    what: `${what}, ${figure}`,
    unit: 'ms',
    ours: of(errand.map(pick)),
    peer: { name: peer.name, rounds: of(peer.starts.map(pick)) },
    goal: null,
  });
  const middle = row('median', (all) => parts(all, ROUNDS).map(median));
  // A ratio is impossible if the peer starts before it answers.
  const isPossible = middle.peer?.rounds.every((ms) => ms > 0) === true;
  return [{ ...middle, goal: isPossible ? goal : null }, row('p99', (all) => [quantile(all, 0.99)])];
}
