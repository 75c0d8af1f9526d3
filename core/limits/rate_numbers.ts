/** So many starts in any period of so many seconds; of them at most `burst` together. */
export type RateNumbers = { limit: number; periodSeconds: number; burst: number };

/** The parts that a rate has and a limit of what runs at a time has not. */
export const RATE_PARTS = ['periodSeconds', 'burst'] as const;

const MIN_PERIOD_SECONDS = 0.1;
/** One year, as for a delay. */
const MAX_PERIOD_SECONDS = 366 * 86_400;
/** A shorter time between bursts is less than what a start takes. */
const MIN_BURST_MS = 10;

/** A part of a rate, and what it must be. */
export type RateProblem = { part: keyof RateNumbers; message: string };

/**
 * The problems of a rate whose `limit` is valid. `burst` must divide `limit`: then at most `burst` starts in
 * any `periodSeconds * burst / limit` are at most `limit` in any `periodSeconds`, and only one time has to be
 * looked at.
 */
export function rateProblems(rate: { limit: number; periodSeconds: unknown; burst: unknown }): RateProblem[] {
  const { limit, periodSeconds, burst } = rate;
  if (typeof periodSeconds !== 'number' || !(periodSeconds >= MIN_PERIOD_SECONDS))
    return [
      { part: 'periodSeconds', message: `must be at least ${MIN_PERIOD_SECONDS}${got(periodSeconds)}` },
    ];
  if (periodSeconds > MAX_PERIOD_SECONDS)
    return [{ part: 'periodSeconds', message: `must be at most ${MAX_PERIOD_SECONDS}${got(periodSeconds)}` }];
  const whole = `must be an integer from 1 to limit, which is ${limit}${got(burst)}`;
  if (typeof burst !== 'number' || !Number.isInteger(burst) || burst < 1 || burst > limit)
    return [{ part: 'burst', message: whole }];
  if (limit % burst !== 0)
    return [{ part: 'burst', message: `must divide limit: ${dividers(limit, burst)} would${got(burst)}` }];
  if ((periodSeconds * 1_000 * burst) / limit >= MIN_BURST_MS) return [];
  const enough = `must be at least ${Math.ceil((limit * MIN_BURST_MS) / (periodSeconds * 1_000))}`;
  return [{ part: 'burst', message: `${enough}, so that bursts are ${MIN_BURST_MS} ms apart${got(burst)}` }];
}

function got(value: unknown): string {
  return value === undefined ? '' : `, got ${String(value)}`;
}

/** The next dividers of `limit` below and above a number: `20 or 25`. */
function dividers(limit: number, near: number): string {
  let below = near;
  while (limit % below !== 0) below--;
  let above = near;
  while (limit % above !== 0) above++;
  return `${below} or ${above}`;
}
