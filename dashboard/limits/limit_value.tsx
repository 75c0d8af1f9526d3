import type { Limit } from '../data/records.ts';
import { duration } from '../text/time.ts';
import { count } from '../text/words.ts';

/** A value of a limit in words: `5`, `2 for each key`, `10 in 1 min`, `no limit`. */
export function valueInWords(value: number | null, { is_keyed, rate }: Limit): string {
  if (value === null) return 'no limit';
  const period = rate === null ? '' : ` in ${duration(rate.period_seconds * 1_000)}`;
  return `${count(value)}${period}${is_keyed ? ' for each key' : ''}`;
}

/** What is used of it: slots, or of a rate the starts of its window. */
export function usedInWords({ rate, holders, holders_is_capped }: Limit): string {
  if (rate === null) return count(holders, holders_is_capped);
  return count(rate.starts, rate.starts_is_capped);
}

/** Whether a limit lets tasks start. */
export function LimitBadge({ limit: { paused } }: { limit: Limit }) {
  return paused ? (
    <span class="badge state-retrying">paused</span>
  ) : (
    <span class="badge state-succeeded">open</span>
  );
}
