import fc from 'fast-check';
import type { ScheduleSettings } from '../../../../core/schedules/settings.ts';
import { type Clock, type Field, settingsOf } from './oracle.ts';

/**
 * Zones of all kinds: none, halves and quarters of hours, gaps at and up to midnight, two hours, far from
 * UTC.
 */
export const anyZone: fc.Arbitrary<string> = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'America/Santiago',
  'America/Nuuk',
  'America/Havana',
  'Africa/Casablanca',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Asia/Tehran',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
);

/** Moments to the second, of 1990 to 2100. Half of them are within a day and a half of a change of clocks. */
export const anyMoment: fc.Arbitrary<Date> = fc
  .oneof(
    fc.integer({ min: Date.UTC(1990) / 1_000, max: Date.UTC(2100) / 1_000 }),
    fc
      .tuple(
        fc.constantFrom(
          '2011-12-30T10:00Z', // Apia leaves out a day.
          '2026-02-15T02:00Z', // Casablanca before Ramadan.
          '2027-03-14T07:00Z',
          '2027-03-28T01:00Z',
          '2027-04-03T15:00Z',
          '2027-04-29T22:00Z',
          '2027-09-05T04:00Z',
          '2027-10-02T15:30Z',
          '2027-10-31T01:00Z',
          '2027-11-07T06:00Z',
        ),
        fc.integer({ min: -129_600, max: 129_600 }),
      )
      .map(([change, seconds]) => Date.parse(change) / 1_000 + seconds),
  )
  .map((seconds) => new Date(seconds * 1_000));

const values = (most: number) =>
  fc.uniqueArray(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 5 });
const clockField = (most: number): fc.Arbitrary<Field> =>
  fc.oneof(
    { weight: 3, arbitrary: values(most).map((list) => ({ list })) },
    fc.integer({ min: 2, max: most }).map((step) => ({ step })),
    fc.constant('star' as const),
  );

/** Expressions that the oracle knows. */
export const anyClock: fc.Arbitrary<Clock> = fc.record({
  minute: clockField(59),
  hour: clockField(23),
  weekdays: fc.oneof(fc.constant('star' as const), values(6)),
});

/** One field with all that it can have: stars, steps, ranges, lists, names and signs. */
function field(least: number, most: number, special: readonly string[] = []): fc.Arbitrary<string> {
  const number = fc.integer({ min: least, max: most });
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.integer({ min: 1, max: most });
  const entry = fc.oneof(
    { weight: 3, arbitrary: number.map(String) },
    range,
    fc.tuple(range, step).map(([text, n]) => `${text}/${n}`),
    step.map((n) => `*/${n}`),
    ...(special.length === 0 ? [] : [fc.constantFrom(...special)]),
  );
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: entry },
    fc.array(entry, { minLength: 2, maxLength: 4 }).map((entries) => entries.join(',')),
  );
}

/** Expressions of five or six fields; nearly all can be read and have times. */
const anyExpression: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant('') }, field(0, 59)),
    field(0, 59),
    field(0, 23),
    field(1, 31, ['L', '15W', '31']),
    field(1, 12, ['FEB', 'jan', 'Oct-Dec']),
    field(0, 7, ['MON', 'fri-sun', '5L', 'TUE#2', '1#5', 'SUNL']),
    fc.boolean(),
  )
  .map(([second, minute, hour, day, month, weekday, isBoth]) =>
    `${second} ${minute} ${hour} ${day} ${month} ${isBoth && weekday !== '*' ? '+' : ''}${weekday}`.trim(),
  );

/** Timings of each kind. Not all of them are accepted. */
export const anyTiming: fc.Arbitrary<ScheduleSettings> = fc
  .record({
    rule: fc.oneof(
      { weight: 3, arbitrary: anyExpression.map((cron) => ({ cron })) },
      fc.integer({ min: 1, max: 200_000 }).map((every_seconds) => ({ every_seconds })),
      anyMoment.map((at) => ({ at: at.toISOString() })),
    ),
    timezone: anyZone,
    starts_at: fc.option(anyMoment.map(isoText), { freq: 3 }),
    ends_at: fc.option(anyMoment.map(isoText), { freq: 3 }),
    jitter_seconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 7_200, noNaN: true })),
  })
  .map(({ rule, ...rest }) => settingsOf({ ...rule, ...rest }));

function isoText(time: Date): string {
  return time.toISOString();
}
