import cronstrue from 'cronstrue';
import type { Timing } from './settings.ts';

/** A timing in plain English: `at 02:30 AM, only on Monday, in Europe/Berlin`. Throws if its cron cannot be read. */
export function timingInWords(timing: Timing): string {
  const { starts_at, ends_at, jitter_seconds } = timing;
  return [
    ruleInWords(timing),
    ...(starts_at === null ? [] : [`from ${starts_at}`]),
    ...(ends_at === null ? [] : [`until ${ends_at}`]),
    ...(jitter_seconds === 0 ? [] : [`later by up to ${durationInWords(jitter_seconds)}`]),
  ].join(', ');
}

function ruleInWords({ cron, every_seconds, at, timezone }: Timing): string {
  if (at !== null) return `once, at ${at}`;
  if (every_seconds !== null) return `every ${durationInWords(every_seconds)}`;
  const words = cronstrue.toString(cron ?? '', { use24HourTimeFormat: true, verbose: false });
  return `${words.charAt(0).toLowerCase()}${words.slice(1)} in ${timezone}`;
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
