/** When an attempt ran and on which runner, in milliseconds since any fixed time. */
export type Ran = { runnerId: number; startedAt: number; finishedAt: number };

/**
 * How well the runners were used from the first start to the last one, while tasks were left to
 * start.
 */
export type Use = {
  /** The busy part of the time of all slots, from 0 to 1. */
  busyShare: number;
  /** The longest time that a runner ran nothing, in milliseconds. */
  longestIdleMs: number;
};

/**
 * Computes the use from all attempts of these runners, each of which has `slots` slots. NaN without
 * attempts.
 */
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

/** The longest time between `from` and `to` in which none of the attempts ran. */
function longestGap(ran: readonly Ran[], from: number, to: number): number {
  let busyUntil = from;
  let longest = 0;
  for (const { startedAt, finishedAt } of ran.toSorted((a, b) => a.startedAt - b.startedAt)) {
    longest = Math.max(longest, startedAt - busyUntil);
    busyUntil = Math.max(busyUntil, finishedAt);
  }
  return Math.max(longest, to - busyUntil);
}
