/**
 * Clocks on the wall of a time zone. A reading is written in ms as if it were UTC: the reading 02:30 of a day
 * is the number of that day's 02:30 in UTC.
 */

const HOUR_MS = 3_600_000;

/**
 * Zones are between 12 hours behind UTC and 14 hours ahead. The changes of each are at least a week apart, so
 * there is at most one between these bounds (all zones, 1970 to 2045, ICU 78).
 */
const AHEAD_MS = 15 * HOUR_MS;
const BEHIND_MS = 13 * HOUR_MS;

/** Longer than any change repeats: a zone can move over the date line. */
const REPEATED_MS = 27 * HOUR_MS;

/**
 * Makers of readings, by the name of the zone in lower case: Intl takes any spelling. So their number is
 * bounded by that of zones. Offsets (`+01:00`), which Intl takes, too, are refused.
 */
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The name by which Intl knows a zone, null if it does not. Some zones have several names: UTC is GMT, too.
 */
export function zoneName(zone: string): string | null {
  try {
    return formatOf(zone).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/**
 * The reading of the clocks of a zone at an instant. Like all functions here, it throws a RangeError for an
 * unknown zone.
 */
export function readingAt(zone: string, instant: number): number {
  return instant + offsetAt(zone, instant);
}

/**
 * The first instant at which the clocks of a zone show this reading or a later one. So a reading that comes
 * twice is the first of the two, and one that does not exist is the end of the gap.
 */
export function instantOf(zone: string, reading: number): number {
  const from = reading - AHEAD_MS;
  const until = reading + BEHIND_MS;
  const [before, after] = [offsetAt(zone, from), offsetAt(zone, until)];
  if (before === after) return reading - before;
  const change = changeBetween(zone, from, until);
  return reading - before < change ? reading - before : Math.max(change, reading - after);
}

/**
 * The latest reading that the clocks of a zone have shown up to an instant. It stands still while readings
 * repeat.
 */
export function latestReading(zone: string, instant: number): number {
  const from = instant - REPEATED_MS;
  const [before, now] = [offsetAt(zone, from), offsetAt(zone, instant)];
  if (before <= now) return instant + now;
  return Math.max(instant + now, changeBetween(zone, from, instant) - 1 + before);
}

/** The first instant with another offset than `from`, to the second. The two have different offsets. */
function changeBetween(zone: string, from: number, until: number): number {
  const before = offsetAt(zone, from);
  let [low, high] = [Math.floor(from / 1_000), Math.ceil(until / 1_000)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle * 1_000) === before) low = middle;
    else high = middle;
  }
  return high * 1_000;
}

/** How far the clocks of a zone are ahead of UTC at an instant, in ms. */
function offsetAt(zone: string, instant: number): number {
  const second = Math.floor(instant / 1_000) * 1_000;
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(second)) part[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second: shown = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, shown) - second;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const key = zone.toLowerCase();
  const before = formats.get(key);
  if (before !== undefined) return before;
  if (!/^[a-z]/.test(key)) throw new RangeError(`there is no time zone ${JSON.stringify(zone)}`);
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(key, format);
  return format;
}
