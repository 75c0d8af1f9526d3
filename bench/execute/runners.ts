import { errand } from '../queues/errand.ts';
import { graphileWorker } from '../queues/graphile_worker.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds, type Rounds, ratios } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { type Executed, measureExecution } from './measure.ts';

const MANY = 4;

/**
 * Measures how much four processes on one database execute compared with one, for Errand and for
 * graphile-worker. Throws if one fails.
 */
export async function measureRunners(
  server: BenchServer,
  { tasks, rounds }: { tasks: number; rounds: number },
  log: (line: string) => void,
): Promise<Section> {
  const subjects = [errand, graphileWorker].flatMap((kind) =>
    [1, MANY].map((processes) => ({
      name: `${kind.name} executes with ${processes}`,
      measure: () => measureExecution(server, kind, { tasks, processes }),
    })),
  );
  const [ourOne = [], ourFour = [], theirOne = [], theirFour = []] = await inRounds(subjects, rounds, log);
  const peer = (measured: Rounds) => ({ name: graphileWorker.name, rounds: measured });
  const rate = (what: string, ours: readonly Executed[], theirs: readonly Executed[]) => ({
    ...{ what, unit: 'tasks/s', ours: ours.map(perSecond), peer: peer(theirs.map(perSecond)), goal: null },
  });
  return goalSection({
    title: 'Four runners on one database',
    about:
      `${tasks.toLocaleString('en')} waiting tasks, as above, executed by one process and by ${MANY}, in turns. On a machine with few ` +
      'CPUs, four processes share the CPUs that one had nearly for itself: this compares how well each queue handles that.',
    goals: [
      {
        ...{ what: 'rate of four / rate of one', unit: '×', goal: { atLeast: 1 } },
        ours: ratios(ourFour.map(perSecond), ourOne.map(perSecond)),
        peer: peer(ratios(theirFour.map(perSecond), theirOne.map(perSecond))),
      },
      rate('execution by one', ourOne, theirOne),
      rate('execution by four', ourFour, theirFour),
    ],
    data: {
      tasks,
      errand: { one: ourOne, four: ourFour },
      graphileWorker: { one: theirOne, four: theirFour },
    },
  });
}

function perSecond(executed: Executed): number {
  return executed.perSecond;
}
