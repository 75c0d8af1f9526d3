/** When an attempt ran and on which runner, in milliseconds since whenever. */
export type Ran = { runnerId: number; startedAt: number; finishedAt: number };

/** How well runners were used from the first start to the last one: while something was left to start. */
export type Use = {
  /** What of the time of all slots went by in attempts, from 0 to 1. */
  busyShare: number;
  /** The longest time that a runner did nothing at all, in milliseconds. */
  longestIdleMs: number;
};

/** Computes it from all the attempts of these runners, each of which has so many slots. NaN of no attempt. */
export function useOfRunners(ran: readonly Ran[], runnerIds: readonly number[], slots: number): Use {
  const from = Math.min(...ran.map(({ startedAt }) => startedAt));
  const to = Math.max(...ran.map(({ startedAt }) => startedAt));
  const busyMs = ran.reduce((sum, one) => sum + Math.min(one.finishedAt, to) - one.startedAt, 0);
  const idle = runnerIds.map((id) =>
    longestGap(
      ran.filter(({ runnerId }) => runnerId === id),
      from,
      to,
    ),
  );
  return {
    busyShare: busyMs / (runnerIds.length * slots * (to - from)),
    longestIdleMs: Math.max(...idle),
  };
}

/** The longest time between `from` and `to` at which none of them ran. */
function longestGap(ran: readonly Ran[], from: number, to: number): number {
  let busyUntil = from;
  let longest = 0;
  for (const { startedAt, finishedAt } of ran.toSorted((a, b) => a.startedAt - b.startedAt)) {
    longest = Math.max(longest, startedAt - busyUntil);
    busyUntil = Math.max(busyUntil, finishedAt);
  }
  return Math.max(longest, to - busyUntil);
}
