import cronstrue from 'cronstrue';
import type { Timing } from './settings.ts';

/** A timing in plain English: `at 02:30, only on Monday in Europe/Berlin`. */
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
  return `${cronInWords(cron ?? '')} in ${timezone}`;
}

/**
 * Cronstrue words days of the month and days of the week alike whether one or both must fit, and does not know `+`:
 * so they are worded apart. Of the few expressions that it cannot read, such as `MON#L`, the text itself is shown.
 */
function cronInWords(cron: string): string {
  const fields = cron.trim().split(/\s+/);
  const weekdays = fields.pop() ?? '';
  const month = fields.pop() ?? '';
  const days = fields.pop() ?? '';
  try {
    if (fields.length === 0 || [days, weekdays].some((field) => /^[*?]$/.test(field))) return wordsOf(cron);
    const time = fields.join(' ');
    const always = wordsOf(`${time} * * *`);
    const ofDays = wordsOf(`${time} ${days} * *`);
    const ofMonth = wordsOf(`${time} * ${month} *`).slice(always.length);
    const ofWeekdays = wordsOf(`${time} * * ${weekdays.replace('+', '')}`)
      .slice(always.length)
      .replace(/^, (only )?/, '');
    if (!weekdays.startsWith('+')) return `${ofDays}, or ${ofWeekdays}${ofMonth}`;
    return `${ofDays}, but only if it is ${ofWeekdays.replace(/^on /, '').replace(' and ', ' or ')}${ofMonth}`;
  } catch {
    return `at the times of ${cron}`;
  }
}

function wordsOf(cron: string): string {
  const words = cronstrue.toString(cron, { use24HourTimeFormat: true, verbose: false });
  return `${words.charAt(0).toLowerCase()}${words.slice(1)}`;
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
