import { type ScheduleSettings, settingsSchema } from '../../../../core/schedules/settings.ts';

const MINUTE_MS = 60_000;
const MARGIN_MS = 2 * 86_400_000;

/** A field of an expression: a list, a star with a step, or a star. */
export type Field = { list: number[] } | { step: number } | 'star';

/** An expression of minutes, hours and days of the week. */
export type Clock = { minute: Field; hour: Field; weekdays: number[] | 'star' };

/** A minute, and what the clocks of a zone show then, as ms of the same reading in UTC. */
export type Minute = { instant: number; reading: number };

/** The settings of a schedule with defaults for what is not given. */
export function settingsOf(given: Partial<ScheduleSettings>): ScheduleSettings {
  return settingsSchema.parse({ task: 'billing.send', payload: {}, ...given });
}

export function expressionOf({ minute, hour, weekdays }: Clock): string {
  return `${fieldText(minute)} ${fieldText(hour)} * * ${weekdays === 'star' ? '*' : weekdays.join(',')}`;
}

/** Every minute from two days before a moment to two days after another one, through Intl. */
export function minutesAround(zone: string, from: number, until: number): Minute[] {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const minutes: Minute[] = [];
  for (let instant = from - MARGIN_MS; instant < until + MARGIN_MS; instant += MINUTE_MS) {
    const text = format.format(instant).replace(' ', 'T');
    minutes.push({ instant, reading: Date.parse(`${text}Z`) });
  }
  return minutes;
}

/**
 * The times of an expression from a moment (included) to another one (excluded), by the words of the
 * specification (K4) and by looking at every minute. It shares no code with core/schedules.
 */
export function walk(clock: Clock, minutes: readonly Minute[], from: number, until: number): string[] {
  const isFixed = [clock.minute, clock.hour].every((field) => field !== 'star' && 'list' in field);
  const found = isFixed ? fixedTimes(clock, minutes) : minutes.filter(({ reading }) => fits(clock, reading));
  const times = new Set(found.map(({ instant }) => instant).filter((time) => time >= from && time < until));
  return [...times].sort((a, b) => a - b).map((time) => new Date(time).toISOString());
}

/**
 * For each reading that fits: the first minute that shows it; if none does, the first that shows a later one.
 */
function fixedTimes(clock: Clock, minutes: readonly Minute[]): Minute[] {
  const first = new Map<number, Minute>();
  for (const minute of minutes) if (!first.has(minute.reading)) first.set(minute.reading, minute);
  const times: Minute[] = [];
  const last = minutes.at(-1)?.reading ?? 0;
  let index = 0;
  for (let reading = minutes[0]?.reading ?? 0; reading <= last; reading += MINUTE_MS) {
    while ((minutes[index]?.reading ?? last) < reading) index += 1;
    const minute = first.get(reading) ?? minutes[index];
    if (minute !== undefined && fits(clock, reading)) times.push(minute);
  }
  return times;
}

function fits({ minute, hour, weekdays }: Clock, reading: number): boolean {
  const shown = new Date(reading);
  const isDay = weekdays === 'star' || weekdays.includes(shown.getUTCDay());
  return isDay && fieldFits(minute, shown.getUTCMinutes()) && fieldFits(hour, shown.getUTCHours());
}

function fieldFits(field: Field, value: number): boolean {
  if (field === 'star') return true;
  return 'list' in field ? field.list.includes(value) : value % field.step === 0;
}

function fieldText(field: Field): string {
  if (field === 'star') return '*';
  return 'list' in field ? field.list.join(',') : `*/${field.step}`;
}
