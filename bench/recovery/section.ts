import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import type { BenchServer } from '../server.ts';
import { recoverOnce } from './kill.ts';

/** The default of runners. */
const LEASE_SECS = 15;
const MAX_SECS = 20;

/**
 * Kills a runner in the middle of a long attempt, once per round, and measures the time until
 * another runner has started the next attempt. Throws if that does not happen.
 */
export async function measureRecovery(
  server: BenchServer,
  { rounds, leaseSecs = LEASE_SECS }: { rounds: number; leaseSecs?: number },
  log: (line: string) => void,
): Promise<Section> {
  const seconds: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    log(`recovery after kill -9, round ${round} of ${rounds}`);
    // Spread over the time between two heartbeats, because the age of the last heartbeat decides
    // how long it takes.
    seconds.push(await recoverOnce(server, { leaseSecs, phase: (round - 0.5) / rounds }));
  }
  const goals: Goal[] = [
    {
      what: 'kill -9 to the next attempt',
      unit: 's',
      ours: seconds,
      peer: null,
      goal: { atMost: MAX_SECS },
    },
  ];
  return goalSection({
    title: 'Recovery after kill -9',
    about:
      'One of two runners gets SIGKILL while it executes a long task, at different times after its heartbeat; the ' +
      `lease is ${leaseSecs} s. ` +
      "The figure is the time until the other has started the next attempt, by Postgres's clock. " +
      'Not measured, but known from their documentation: a job of graphile-worker stays locked for 4 hours after its ' +
      'worker died, and a job of pg-boss is retried when its 15 minutes are over (expireInSeconds) and a supervisor ' +
      'has looked, every 60 s.',
    goals,
    data: { leaseSecs, seconds },
  });
}
