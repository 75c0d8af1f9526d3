import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, median, type Rounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { quantile } from '../timing.ts';
import { wallClock } from './clock.ts';
import { openErrand, openGraphileWorker, type Start } from './starters.ts';

/** The median of each is taken, so that there is a spread. */
const ROUNDS = 5;
const WARM_UP = 20;
const PEER = 'graphile-worker';

type Starts = { errand: Start[]; peer: Start[] };

/**
 * Measures how soon a handler starts on an idle machine, one task at a time, the queues in turns.
 * `repetitions` is the number of tasks of each that count. Throws if a task does not succeed.
 */
export async function measureLatency(
  server: BenchServer,
  { repetitions }: { repetitions: number },
  log: (line: string) => void,
): Promise<Section> {
  log(`start of a handler, ${repetitions} times`);
  const { starts, driftMs } = await measureStarts(server, repetitions);
  const fromSending = goalsOf(starts, ({ sinceSent }) => sinceSent, 'from sending to the start');
  const fromAnswer = goalsOf(starts, ({ sinceAnswer }) => sinceAnswer, 'from the answer to the start');
  // A ratio is impossible if the peer starts before it answers.
  const asked = fromAnswer.median.peer?.rounds.every((ms) => ms > 0) ? fromAnswer : fromSending;
  asked.median.goal = { atMost: 1.2 };
  return goalSection({
    title: 'Latency of an idle queue',
    about:
      `Each starts one task that does nothing, ${repetitions.toLocaleString('en')} times in turns, with API, runner ` +
      'and worker as separate processes and graphile-worker without a local queue. The answer has arrived when its ' +
      'body is read, or when addJob has resolved. If a handler starts before that, the figure is below 0. ' +
      'The goal is for the time from the answer, or from sending if the peer starts before it answers. The clocks ' +
      'of the processes are compared: each is that of the machine, read at the start of the process; ' +
      `it was adjusted by ${Math.abs(driftMs).toFixed(2)} ms meanwhile.`,
    goals: [fromAnswer.median, fromAnswer.p99, fromSending.median, fromSending.p99],
    data: { repetitions, driftMs, starts },
  });
}

async function measureStarts(
  server: BenchServer,
  repetitions: number,
): Promise<{ starts: Starts; driftMs: number }> {
  const clock = wallClock();
  await using opened = new AsyncDisposableStack();
  const errand = opened.adopt(await openErrand(server, clock), ({ close }) => close());
  const graphileWorker = opened.adopt(await openGraphileWorker(server, clock), ({ close }) => close());
  const subjects = [
    { name: 'Errand', measure: errand.start },
    { name: PEER, measure: graphileWorker.start },
  ];
  await inRounds(subjects, Math.min(WARM_UP, repetitions), () => {});
  const [ours = [], theirs = []] = await inRounds(subjects, repetitions, () => {});
  return { starts: { errand: ours, peer: theirs }, driftMs: clock.drift() };
}

/** The two goals of a duration, without a limit yet. */
function goalsOf(
  { errand, peer }: Starts,
  pick: (start: Start) => number,
  what: string,
): { median: Goal; p99: Goal } {
  const [ours, theirs] = [errand.map(pick), peer.map(pick)];
  const goal = (figure: string, of: (durations: Rounds) => Rounds): Goal => ({
    what: `${what}, ${figure}`,
    unit: 'ms',
    ours: of(ours),
    peer: { name: PEER, rounds: of(theirs) },
    goal: null,
  });
  return {
    median: goal('median', (durations) => parts(durations).map(median)),
    p99: goal('p99', (durations) => [quantile(durations, 0.99)]),
  };
}

/** Cuts the durations into ROUNDS parts of equal size, as far as possible, in their order. */
function parts(durations: Rounds): Rounds[] {
  const size = Math.ceil(durations.length / ROUNDS);
  return Array.from({ length: Math.ceil(durations.length / size) }, (_, part) =>
    durations.slice(part * size, (part + 1) * size),
  );
}
