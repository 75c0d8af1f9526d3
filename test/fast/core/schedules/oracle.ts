import type { Timing } from '../../../../core/schedules/settings.ts';
import { settingsSchema } from '../../../../core/schedules/settings.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A cron expression of minutes and hours, as lists, or null for a star; `step` is a star with a step. */
export type Field = { list: number[] } | { step: number } | null;
export type Clock = { minute: Field; hour: Field; weekdays?: number[] };

/** Settings with defaults, as a schedule of a task of namespace `a` has them. */
export function settingsOf(timing: Partial<Timing> & Record<string, unknown>) {
  return settingsSchema.parse({ task: 'a.task', payload: {}, ...timing });
}

export function expressionOf({ minute, hour, weekdays }: Clock): string {
  return `${fieldText(minute)} ${fieldText(hour)} * * ${weekdays?.join(',') ?? '*'}`;
}

/**
 * The times of a clock expression from a moment (included) to another one (excluded), found by looking at every minute
 * through Intl. It shares nothing with the code under test.
 */
export function walk(clock: Clock, zone: string, from: number, until: number): string[] {
  const shown = minutesOf(zone, from - 2 * DAY_MS, until + 2 * DAY_MS);
  const times = isFixed(clock) ? fixedTimes(clock, shown) : shown.filter((minute) => fits(clock, minute.reading));
  const found = new Set(times.map(({ instant }) => instant).filter((time) => time >= from && time < until));
  return [...found].sort((a, b) => a - b).map((time) => new Date(time).toISOString());
}

type Minute = { instant: number; reading: number };

/** Every reading of a fixed clock, shown or not: the first minute that shows it, else the first that shows a later one. */
function fixedTimes(clock: Clock, shown: Minute[]): Minute[] {
  const first = new Map<number, Minute>();
  for (const minute of shown) if (!first.has(minute.reading)) first.set(minute.reading, minute);
  const times: Minute[] = [];
  const [start, end] = [shown[0]?.reading ?? 0, shown.at(-1)?.reading ?? 0];
  let index = 0;
  for (let reading = start; reading <= end; reading += MINUTE_MS) {
    while ((shown[index]?.reading ?? 0) < reading) index += 1;
    const minute = first.get(reading) ?? shown[index];
    if (fits(clock, reading) && minute !== undefined) times.push(minute);
  }
  return times;
}

function minutesOf(zone: string, from: number, until: number): Minute[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const minutes: Minute[] = [];
  for (let instant = from; instant < until; instant += MINUTE_MS)
    minutes.push({ instant, reading: Date.parse(`${format.format(instant).replace(' ', 'T')}Z`) });
  return minutes;
}

function fits({ minute, hour, weekdays }: Clock, reading: number): boolean {
  const at = new Date(reading);
  return (
    fieldFits(minute, at.getUTCMinutes()) &&
    fieldFits(hour, at.getUTCHours()) &&
    (weekdays === undefined || weekdays.includes(at.getUTCDay()))
  );
}

function fieldFits(field: Field, value: number): boolean {
  if (field === null) return true;
  return 'list' in field ? field.list.includes(value) : value % field.step === 0;
}

function fieldText(field: Field): string {
  if (field === null) return '*';
  return 'list' in field ? field.list.join(',') : `*/${field.step}`;
}

function isFixed({ minute, hour }: Clock): boolean {
  return [minute, hour].every((field) => field !== null && 'list' in field);
}
