const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** All zones of today are at a multiple of this from UTC, and so are their gaps. */
const STEP_MS = 15 * MINUTE_MS;

/** A day of a calendar, at midnight UTC. */
export type Day = Date;

export type Range = { after: Date; until: Date };

/**
 * When a clock on the wall of a zone shows an hour and a minute, on the days that `isOn` takes: once a day, the
 * first time if it shows it twice, and right after the gap if it never does (specification K4). Computed with
 * Intl alone, by looking at the clock every quarter of an hour.
 */
export function wallTimes(
  zone: string,
  [hour, minute]: readonly [number, number],
  isOn: (day: Day) => boolean,
  { after, until }: Range,
): Date[] {
  const readClock = clockOf(zone);
  const times: Date[] = [];
  const firstDay = Math.floor(after.getTime() / DAY_MS) * DAY_MS - DAY_MS;
  for (let day = firstDay; day <= until.getTime() + DAY_MS; day += DAY_MS) {
    if (!isOn(new Date(day))) continue;
    const reading = day + hour * HOUR_MS + minute * MINUTE_MS;
    let time = reading - (readClock(reading) - reading) - 3 * HOUR_MS;
    while (readClock(time) < reading) time += STEP_MS;
    if (time > after.getTime() && time <= until.getTime()) times.push(new Date(time));
  }
  return times;
}

/** Every so many hours of elapsed time, from the epoch on. */
export function everyHours(hours: number, { after, until }: Range): Date[] {
  const step = hours * HOUR_MS;
  const times: Date[] = [];
  for (let time = (Math.floor(after.getTime() / step) + 1) * step; time <= until.getTime(); time += step)
    times.push(new Date(time));
  return times;
}

/** The days in UTC in whose 24 hours the clock of a zone is put forward or back. */
export function clockChanges(zone: string, { after, until }: Range): Date[] {
  const readClock = clockOf(zone);
  const offset = (time: number): number => readClock(time) - time;
  const changes: Date[] = [];
  for (let day = Math.ceil(after.getTime() / DAY_MS) * DAY_MS; day < until.getTime(); day += DAY_MS) {
    if (offset(day + DAY_MS) !== offset(day)) changes.push(new Date(day));
  }
  return changes;
}

/** What the clock of a zone shows at an instant, as if it were UTC. */
function clockOf(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', calendar: 'gregory', numberingSystem: 'latn' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  });
  return (instant) => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const [year, month, day, hour, minute] = (['year', 'month', 'day', 'hour', 'minute'] as const).map(
      (part) => parts.get(part) ?? Number.NaN,
    );
    return Date.UTC(Number(year), Number(month) - 1, day, hour, minute);
  };
}
