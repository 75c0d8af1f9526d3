import { CronPattern } from 'croner';
import cronstrue from 'cronstrue';
import { CRON_OPTIONS } from './cron.ts';

/** Clock times up to this number are listed. */
const LISTED = 6;

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
/** Croner counts from Sunday; people count from Monday. */
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** Croner's bits for a day of the week: the first to the fifth of the month, the last, or every one. */
const NTH = ['first', 'second', 'third', 'fourth', 'fifth', 'last'];
const EVERY_ONE = 63;

/**
 * A cron expression in plain English: `every day at 02:30`, `every 15 minutes, on Monday to Friday`. The
 * words come from what croner has read, so they say what will happen. Cronstrue only words the repetition
 * within a day, from fields in a form that it words rightly: of dates it says "and" where croner means "or",
 * and it calls steps of 45 "every 45 minutes", though they begin again with each hour. Throws if the
 * expression cannot be read.
 */
export function cronInWords(expression: string): string {
  const pattern = new CronPattern(expression, undefined, CRON_OPTIONS);
  const dates = datesInWords(pattern);
  const isAllDay = fieldText(pattern.hour).startsWith('*');
  const clock = clockTimes(pattern);
  if (!isAllDay && clock !== null) return `${dates || 'every day'} at ${list(clock)}`;
  const days = isAllDay ? dates : dates || 'every day';
  return [repetitionInWords(pattern), ...(days === '' ? [] : [days])].join(', ');
}

/** `02:30`, `14:30`; null if there are too many. */
function clockTimes({ hour, minute, second }: CronPattern): string[] | null {
  const [hours, minutes, seconds] = [indexesOf(hour), indexesOf(minute), indexesOf(second)];
  if (hours.length * minutes.length * seconds.length > LISTED) return null;
  const withSeconds = seconds.some((value) => value !== 0);
  return hours.flatMap((h) =>
    minutes.flatMap((m) => seconds.map((s) => (withSeconds ? [h, m, s] : [h, m]).map(twoDigits).join(':'))),
  );
}

function repetitionInWords({ hour, minute, second }: CronPattern): string {
  const seconds = fieldText(second);
  const fields = [...(seconds === '0' ? [] : [seconds]), fieldText(minute), fieldText(hour), '* * *'];
  const words = cronstrue.toString(fields.join(' '), { use24HourTimeFormat: true, verbose: false });
  return `${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

/**
 * A field as cronstrue words it rightly: a star, a step that divides the hour or the day, a range, or a list.
 */
function fieldText(field: readonly number[]): string {
  const values = indexesOf(field);
  if (values.length === field.length) return '*';
  const step = (values[1] ?? 0) - (values[0] ?? 0);
  const isEven = values.length > 1 && values.length * step === field.length;
  if (isEven && values.every((value, index) => value === index * step)) return `*/${step}`;
  return runsOf(values)
    .map(([from, to]) => (from === to ? from : to === from + 1 ? `${from},${to}` : `${from}-${to}`))
    .join(',');
}

/** `on day 1 of the month or on Monday, in January`; empty if it is every day. */
function datesInWords(pattern: CronPattern): string {
  const { starDOM, starDOW, useAndLogic } = pattern;
  const month = starDOM ? '' : `on ${daysOfMonth(pattern)} of the month`;
  const week = starDOW ? '' : weekdaysInWords(pattern.dayOfWeek);
  const days = month === '' || week === '' ? month || (week && `on ${week}`) : '';
  const both = useAndLogic ? `${month} if it is ${week}` : `${month} or on ${week}`;
  const months = indexesOf(pattern.month);
  if (months.length === 12) return starDOM && starDOW ? '' : days || both;
  const inMonths = `in ${list(rangesInWords(months, MONTHS))}`;
  if (starDOM && starDOW) return `every day ${inMonths}`;
  return days === '' ? `${both}, ${inMonths},` : `${days} ${inMonths}`;
}

function daysOfMonth({ day, nearestWeekdays, lastDayOfMonth, lastWeekday }: CronPattern): string {
  const days = indexesOf(day);
  if (days.length === 31) return 'any day';
  const numbers = runsOf(days).map(([from, to]) =>
    from === to ? `${from + 1}` : `${from + 1} to ${to + 1}`,
  );
  return list([
    ...(numbers.length === 0 ? [] : [`day ${list(numbers)}`]),
    ...indexesOf(nearestWeekdays).map((index) => `the weekday nearest to day ${index + 1}`),
    ...(lastDayOfMonth ? ['the last day'] : []),
    ...(lastWeekday ? ['the last weekday'] : []),
  ]);
}

function weekdaysInWords(dayOfWeek: readonly number[]): string {
  const bits = WEEKDAYS.map((_, index) => dayOfWeek[(index + 1) % 7] ?? 0);
  const whole = bits.flatMap((bit, index) => (bit === EVERY_ONE ? [index] : []));
  if (whole.length === 7) return 'any day of the week';
  const some = bits.flatMap((bit, index) => {
    if (bit === 0 || bit === EVERY_ONE) return [];
    const which = NTH.filter((_, nth) => (bit & (2 ** nth)) !== 0);
    return [`the ${list(which)} ${WEEKDAYS[index]} of the month`];
  });
  return list([...rangesInWords(whole, WEEKDAYS), ...some]);
}

/** `Monday to Friday`, `Sunday`. */
function rangesInWords(indexes: readonly number[], names: readonly string[]): string[] {
  return runsOf(indexes).flatMap(([from, to]) => {
    const [first = '', last = ''] = [names[from], names[to]];
    return from === to ? [first] : to === from + 1 ? [first, last] : [`${first} to ${last}`];
  });
}

/** Runs of numbers that follow each other: the first and the last of each. */
function runsOf(numbers: readonly number[]): [from: number, to: number][] {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

function indexesOf(field: readonly number[]): number[] {
  return field.flatMap((value, index) => (value === 0 ? [] : [index]));
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
