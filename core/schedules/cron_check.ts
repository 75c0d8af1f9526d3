import { Cron, CronPattern } from 'croner';
import { shorten } from '../json/json.ts';
import { CRON_OPTIONS } from './cron.ts';
import { CRON_MAX_LENGTH } from './settings.ts';

/** The fields of an expression, with all that each accepts. An expression with five has no `second`. */
const FIELDS = [
  { name: 'second', least: 0, most: 59, accepts: '0 to 59', example: '0,30' },
  { name: 'minute', least: 0, most: 59, accepts: '0 to 59', example: '*/15' },
  { name: 'hour', least: 0, most: 23, accepts: '0 to 23', example: '9-17' },
  {
    name: 'day of month',
    least: 1,
    most: 31,
    accepts: '1 to 31, L (the last day), LW (the last weekday) or 15W (the weekday nearest to the 15th)',
    example: '1,15',
  },
  { name: 'month', least: 1, most: 12, accepts: '1 to 12 or JAN to DEC', example: 'JAN,JUL' },
  {
    name: 'day of week',
    least: 0,
    most: 7,
    accepts: '0 to 7 (0 and 7 are Sunday) or SUN to SAT, FRIL (the last Friday) or MON#2 (the second Monday)',
    example: 'MON-FRI',
  },
] as const;

type Field = (typeof FIELDS)[number];

const NICKNAMES = '@yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly';

/**
 * One of each kind of year: leap or not, and each weekday as its first day. A date that fits in none of them
 * never comes. Croner would search until the year 9999, which takes up to 75 ms.
 */
const KINDS_OF_YEAR = '2000-2006,2008-2010,2012,2016,2020,2024';

/** Much longer values are not shown. */
const SHOWN_LENGTH = 40;

/** Why an expression cannot be used, in words; null if it can. The work is bounded, whatever the text is. */
export function cronProblem(expression: string): string | null {
  if (expression.length > CRON_MAX_LENGTH)
    return `must have at most ${CRON_MAX_LENGTH} characters, got ${expression.length}: write ranges (1-5) and steps (*/5) instead of lists`;
  if (expression.trim().startsWith('@'))
    return canRead(expression)
      ? null
      : `the name ${shown(expression.trim())} is not known: use ${NICKNAMES}, or five fields such as "30 2 * * *"`;
  const given = expression.match(/\S+/g) ?? [];
  if (given.length !== 5 && given.length !== 6) return wrongNumber(given.length);
  const fields = given.length === 5 ? ['0', ...given] : given;
  for (const [index, field] of FIELDS.entries()) {
    const problem = fieldProblem(field, fields[index] ?? '', (text) => canReadField(index, text));
    if (problem !== null) return problem;
  }
  if (!canRead(expression)) return `cannot be read: write five fields, such as "30 2 * * *"`;
  return hasDate(fields.slice(3)) ? null : `never comes, because no date has ${dateInWords(fields)}`;
}

/** `the day of month 31 and the month 2`. */
function dateInWords(fields: readonly string[]): string {
  return FIELDS.flatMap(({ name }, index) =>
    index < 3 || fields[index] === '*' ? [] : `the ${name} ${fields[index]}`,
  ).join(' and ');
}

function wrongNumber(count: number): string {
  const year = count === 7 ? ' There is no field for years: use starts_at and ends_at.' : '';
  return `must have five fields (minute, hour, day of month, month, day of week), or six with the second first, such as "30 2 * * MON-FRI", got ${count}.${year}`;
}

/** The problem of the first wrong entry of a field. */
function fieldProblem(field: Field, text: string, canReadText: (text: string) => boolean): string | null {
  const { name, accepts, example } = field;
  const entries = text.split(',');
  const star = entries.length > 1 && entries.some((entry) => entry === '*' || entry === '?');
  if (!star && canReadText(text)) return null;
  const wrong = star ? text : (entries.find((entry) => !canReadText(entry)) ?? text);
  const hint = star ? ' A list with a * means every one: write * alone.' : hintFor(field, wrong);
  return `the ${name} ${shown(wrong)} is not valid: use ${accepts}, a list, a range, a step or *, such as "${example}".${hint}`;
}

/** The probable meaning of an expression that other programs accept. */
function hintFor({ name, least, most }: Field, entry: string): string {
  if (entry === '') return ' It has a comma too many.';
  if (/\bLW\b/i.test(entry)) return ' LW cannot be part of a list.';
  const step = /^(\d*)\/(\d+)$/.exec(entry);
  if (step) return ` Write "${step[1] ? `${step[1]}-${most}` : '*'}/${step[2]}".`;
  const range = /^(\d+)-(\d+)$/.exec(entry);
  const [from, to] = [Number(range?.[1] ?? 0), Number(range?.[2] ?? 0)];
  if (from > to && from <= most && to >= least)
    return ` The range goes backwards: write "${from}-${most},${least}-${to}".`;
  if (/^[A-Z]{3}-[A-Z]{3}$/i.test(entry))
    return ' The first of a range must be before the last: make it two ranges.';
  if (/\/\d+$/.test(entry)) return ` A step must be from 1 to ${most - least + 1}.`;
  if (name === 'day of month' && /^L-\d+$/i.test(entry)) return ' Days before the last one cannot be given.';
  return '';
}

function canReadField(index: number, text: string): boolean {
  // Without it, the other five would be read as an expression.
  if (text === '') return false;
  const fields: string[] = FIELDS.map(() => '*');
  fields[index] = text;
  return canRead(fields.join(' '));
}

function canRead(expression: string): boolean {
  try {
    new CronPattern(expression, undefined, CRON_OPTIONS);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a date with this day of month, month and day of week. */
function hasDate(dateFields: readonly string[]): boolean {
  const options = { ...CRON_OPTIONS, mode: '7-part', utcOffset: 0 } as const;
  const dates = new Cron(`0 0 0 ${dateFields.join(' ')} ${KINDS_OF_YEAR}`, options);
  return dates.nextRun(new Date('1999-12-31T00:00:00Z')) !== null;
}

function shown(text: string): string {
  return JSON.stringify(shorten(text, SHOWN_LENGTH));
}
