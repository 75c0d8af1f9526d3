import { cronInWords } from './cron_words.ts';
import { inZone } from './local_time.ts';
import type { Timing } from './settings.ts';

/** A timing in plain English: `every day at 02:30 in Europe/Berlin`. Throws if it cannot be read. */
export function timingInWords(timing: Timing): string {
  const { starts_at, ends_at, jitter_seconds, timezone } = timing;
  return [
    ruleInWords(timing),
    ...(starts_at === null ? [] : [`from ${inZone(new Date(starts_at), timezone)}`]),
    ...(ends_at === null ? [] : [`until ${inZone(new Date(ends_at), timezone)}`]),
    ...(jitter_seconds === 0 ? [] : [`each up to ${durationInWords(jitter_seconds)} later`]),
  ].join(', ');
}

function ruleInWords({ cron, every_seconds, at, timezone }: Timing): string {
  if (cron !== null) return `${cronInWords(cron)} in ${timezone}`;
  if (at !== null) return `once, at ${inZone(new Date(at), timezone)}`;
  if (every_seconds === null) throw new Error('the timing has none of cron, every_seconds and at');
  return `every ${durationInWords(every_seconds).replace(/^1 (\w+)$/, '$1')}`;
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `15 minutes`; `1 hour and 30 minutes`. */
function durationInWords(seconds: number): string {
  let left = seconds;
  const parts = UNITS.flatMap(([unit, length]) => {
    const count = unit === 'second' ? left : Math.floor(left / length);
    left -= count * length;
    return count === 0 ? [] : [`${count} ${unit}${count === 1 ? '' : 's'}`];
  });
  return [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter((part) => part !== '').join(' and ');
}
