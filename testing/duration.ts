const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const TEXT = /^(?<count>\d+(?:\.\d+)?) ?(?<unit>ms|second|minute|hour|day|week)s?$/;

/** A duration: milliseconds, or a text such as `2 days`. */
export type Duration = number | `${number} ${'ms' | `${'second' | 'minute' | 'hour' | 'day' | 'week'}${'' | 's'}`}`;

/** The milliseconds of a duration. Throws a TypeError that shows what is accepted. */
export function msOf(duration: Duration): number {
  const { count, unit = '' } = TEXT.exec(String(duration))?.groups ?? {};
  const ms = typeof duration === 'number' ? duration : Number(count) * (UNITS[unit] ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new TypeError(
    `${JSON.stringify(duration)} is not a duration: give milliseconds, or a text such as '90 seconds', '1 hour' or '2 days'`,
  );
}
