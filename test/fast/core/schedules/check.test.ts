import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settingsProblems } from '../../../../core/schedules/check.ts';
import type { ScheduleSettings } from '../../../../core/schedules/settings.ts';
import { nextTime } from '../../../../core/schedules/times.ts';
import { timingInWords } from '../../../../core/schedules/words.ts';
import { anyTiming } from './arbitrary_timings.ts';
import { settingsOf } from './oracle.ts';

const NOW = new Date('2027-01-01T00:00:00Z');

/** The problems of a schedule with this and nothing else special, as `path: message`. */
function problemsOf(given: Partial<ScheduleSettings>, id = 'billing.nightly', now = NOW): string[] {
  const timing = given.every_seconds === undefined && given.at === undefined ? { cron: '30 2 * * *' } : {};
  return settingsProblems(id, settingsOf({ ...timing, ...given }), now).map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

const CLOCK = 'a list, a range, a step or *, such as';
const minute = (value: string) => `the minute "${value}" is not valid: use 0 to 59, ${CLOCK} "*/15".`;
const hour = (value: string) => `the hour "${value}" is not valid: use 0 to 23, ${CLOCK} "9-17".`;
const day = (value: string) =>
  `the day of month "${value}" is not valid: use 1 to 31, L (the last day), LW (the last weekday) or 15W (the weekday nearest to the 15th), ${CLOCK} "1,15".`;
const month = (value: string) =>
  `the month "${value}" is not valid: use 1 to 12 or JAN to DEC, ${CLOCK} "JAN,JUL".`;
const weekday = (value: string) =>
  `the day of week "${value}" is not valid: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT, FRIL (the last Friday) or MON#2 (the second Monday), ${CLOCK} "MON-FRI".`;
const fields = (count: number) =>
  `must have five fields (minute, hour, day of month, month, day of week), or six with the second first, such as "30 2 * * MON-FRI", got ${count}.`;
const never = (what: string) => `never comes, because no date has ${what}`;
const nickname = (name: string) =>
  `the name "${name}" is not known: use @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly, or five fields such as "30 2 * * *"`;

/** What each of these is refused with. */
const REFUSED: [cron: string, message: string][] = [
  ['60 * * * *', minute('60')],
  ['0-99999999 * * * *', minute('0-99999999')],
  ['99999999999999999999 * * * *', minute('99999999999999999999')],
  [`${','.repeat(190)} * * * *`, `${minute('')} It has a comma too many.`],
  ['1,,2 * * * *', `${minute('')} It has a comma too many.`],
  ['*/0 * * * *', `${minute('*/0')} A step must be from 1 to 60.`],
  ['*/61 * * * *', `${minute('*/61')} A step must be from 1 to 60.`],
  ['5/15 * * * *', `${minute('5/15')} Write "5-59/15".`],
  ['/5 * * * *', `${minute('/5')} Write "*/5".`],
  ['-1 * * * *', minute('-1')],
  ['1.5 * * * *', minute('1.5')],
  ['1e1 * * * *', minute('1e1')],
  ['０ * * * *', minute('０')],
  ['*,5 * * * *', `${minute('*,5')} A list with a * means every one: write * alone.`],
  ['\u0000 * * * *', minute('\\u0000')],
  ['0 24 * * *', hour('24')],
  ['0 22-2 * * *', `${hour('22-2')} The range goes backwards: write "22-23,0-2".`],
  ['0 9,25 * * *', hour('25')],
  ['0 0 0 * *', day('0')],
  ['0 0 32 * *', day('32')],
  ['0 0 L-3 * *', `${day('L-3')} Days before the last one cannot be given.`],
  ['0 0 LW,1 * *', `${day('LW,1')} LW cannot be part of a list.`],
  ['0 0 W * *', day('W')],
  ['0 0 * 13 *', month('13')],
  ['0 0 * FOO *', month('FOO')],
  ['0 0 * JANUARY *', month('JANUARY')],
  ['0 0 * * 8', weekday('8')],
  ['0 0 * * MON#6', weekday('MON#6')],
  [
    '0 0 * * FRI-MON',
    `${weekday('FRI-MON')} The first of a range must be before the last: make it two ranges.`,
  ],
  ['0 0 * * +', weekday('+')],
  [
    '60 * * * * *',
    'the second "60" is not valid: use 0 to 59, a list, a range, a step or *, such as "0,30".',
  ],
  ['', fields(0)],
  [' \n ', fields(0)],
  ['* * * *', fields(4)],
  ['* * * * * * *', `${fields(7)} There is no field for years: use starts_at and ends_at.`],
  ['2027-01-01T00:00:00', fields(1)],
  ['0 0 31 2 *', never('the day of month 31 and the month 2')],
  ['0 0 30 FEB *', never('the day of month 30 and the month FEB')],
  ['0 0 31 2,4,6,9,11 *', never('the day of month 31 and the month 2,4,6,9,11')],
  ['0 0 31W 2 *', never('the day of month 31W and the month 2')],
  ['0 0 8 * +MON#1', never('the day of month 8 and the day of week +MON#1')],
  ['59 59 23 31 4 +SUN', never('the day of month 31 and the month 4 and the day of week +SUN')],
  ['@reboot', nickname('@reboot')],
  ['@every 5m', nickname('@every 5m')],
  ['@', nickname('@')],
  [
    '1,'.repeat(1_000),
    'must have at most 200 characters, got 2000: write ranges (1-5) and steps (*/5) instead of lists',
  ],
];

describe('an expression that is refused', () => {
  test.each(REFUSED)('%j', (cron, message) => {
    expect(problemsOf({ cron })).toEqual([`/cron: ${message}`]);
  });

  test('is refused at once, however absurd it is', () => {
    const absurd = [
      ...REFUSED.map(([cron]) => ({ cron })),
      { cron: `${'0-59,'.repeat(39)}x * * * *` },
      { cron: '*/1,'.repeat(49) },
      { timezone: 'Europe/Atlantis' },
      { timezone: 'E'.repeat(1_000_000) },
      { cron: '9'.repeat(1_000_000) },
      { every_seconds: 0 },
      { cron: '0 0 30 2 *', starts_at: '9999-12-31T23:59:59Z' },
    ];
    for (let round = 0; round < 3; round++) for (const settings of absurd) problemsOf(settings);
    const start = performance.now();
    for (const settings of absurd) expect(problemsOf(settings)).not.toEqual([]);
    // One takes well under a millisecond. The limit only tells that from a search through 8,000 years for each.
    expect((performance.now() - start) / absurd.length).toBeLessThan(100);
  });
});

test('any text at all is accepted with a next time and words, or refused with a message', () => {
  const characters = fc.constantFrom(...'0123459*/,-LW#+?@ ', 'MON', 'FEB', '\t');
  const anyText = fc.oneof(
    fc.string(),
    fc.array(characters, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  const fieldsOf = fc.array(anyText, { minLength: 5, maxLength: 6 }).map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.oneof(anyText, fieldsOf), (cron) => {
      const settings = settingsOf({ cron });
      const [problem] = settingsProblems('billing.nightly', settings, NOW);
      if (problem !== undefined) {
        expect(problem.message.length).toBeGreaterThan(20);
        return;
      }
      expect(nextTime(settings, NOW)).not.toBeNull();
      expect(timingInWords(settings)).not.toMatch(/undefined|null|NaN|\*/);
    }),
    { numRuns: 500 },
  );
});

test('what is accepted has a next time and words', () => {
  fc.assert(
    fc.property(anyTiming, (settings) => {
      if (settingsProblems('billing.nightly', settings, NOW).length > 0) return;
      expect(nextTime(settings, NOW)).not.toBeNull();
      expect(timingInWords(settings)).not.toMatch(/undefined|null|NaN|\*/);
    }),
    { numRuns: 300 },
  );
});

describe('a timing', () => {
  test('has exactly one rule', () => {
    expect(problemsOf({ cron: null })).toEqual([': needs exactly one of cron, every_seconds and at, got 0']);
    expect(problemsOf({ cron: '@daily', every_seconds: 5 })).toEqual([
      ': needs exactly one of cron, every_seconds and at, got 2',
    ]);
  });

  test.each([0, -1, 31_622_401])('an interval of %d seconds is refused', (every_seconds) => {
    expect(problemsOf({ every_seconds })).toEqual([
      `/every_seconds: must be from 1 to 31622400, got ${every_seconds}`,
    ]);
  });

  test('an interval of a second and of a year are accepted', () => {
    expect(problemsOf({ every_seconds: 1 })).toEqual([]);
    expect(problemsOf({ every_seconds: 31_622_400 })).toEqual([]);
  });

  test.each([
    ['Europe/Atlantis', ', such as "Europe/Berlin" or "UTC", got "Europe/Atlantis"'],
    ['', ', such as "Europe/Berlin" or "UTC", got ""'],
    ['+01:00', ', such as "Europe/Berlin" or "UTC", got "+01:00"'],
    ['UTC+1', ', such as "Europe/Berlin" or "UTC", got "UTC+1"'],
    ['europe/berlin', ': write "Europe/Berlin", got "europe/berlin"'],
    ['utc', ': write "UTC", got "utc"'],
  ])('the zone %j is refused', (timezone, message) => {
    const start = '/timezone: must be the name of an IANA time zone';
    expect(problemsOf({ timezone })).toEqual([`${start}${message}`]);
    expect(problemsOf({ timezone, every_seconds: 5 })).toEqual([`${start}${message}`]);
  });

  test.each([
    'UTC',
    'GMT',
    'Etc/GMT-1',
    'US/Eastern',
    'America/Nuuk',
    'Asia/Kolkata',
    ...Intl.supportedValuesOf('timeZone'),
  ])('the zone %s is accepted', (timezone) => expect(problemsOf({ timezone })).toEqual([]));

  test.each([
    '2027-03-01',
    '2027-03-01T09:00:00',
    '2027-02-30T00:00:00Z',
    '1969-12-31T23:59:59Z',
    'soon',
    '',
  ])('the moment %j is refused', (moment) => {
    const message = `must be a time in ISO 8601 from 1970 to 9999, such as "2027-03-01T09:00:00Z" or "2027-03-01T10:00:00+01:00", got "${moment}"`;
    expect(problemsOf({ at: moment })).toEqual([`/at: ${message}`]);
    expect(problemsOf({ starts_at: moment, ends_at: moment })).toEqual([
      `/starts_at: ${message}`,
      `/ends_at: ${message}`,
    ]);
  });

  test('without a time after now is refused, and says why', () => {
    const now = 'now, 2027-01-01T00:00:00.000Z';
    expect(problemsOf({ at: '2027-01-01T00:00:00Z' })).toEqual([
      `/at: must be after ${now}, got "2027-01-01T00:00:00Z"`,
    ]);
    expect(problemsOf({ at: '2028-01-01T00:00:00Z', ends_at: '2027-06-01T00:00:00Z' })).toEqual([
      '/at: must be between starts_at and ends_at, got "2028-01-01T00:00:00Z"',
    ]);
    expect(problemsOf({ ends_at: '2026-01-01T00:00:00Z' })).toEqual([
      `/ends_at: must be after ${now}, got "2026-01-01T00:00:00Z"`,
    ]);
    expect(problemsOf({ starts_at: '2027-03-01T00:00:00Z', ends_at: '2027-02-01T00:00:00Z' })).toEqual([
      '/ends_at: must not be before starts_at (2027-03-01T00:00:00Z), got "2027-02-01T00:00:00Z"',
    ]);
    expect(problemsOf({ cron: '0 0 29 2 *', ends_at: '2028-02-01T00:00:00Z' })).toEqual([
      '/cron: has no time up to ends_at (2028-02-01T00:00:00Z), got "0 0 29 2 *"',
    ]);
  });

  test('of a schedule in code may be over', () => {
    const epoch = new Date(0);
    expect(problemsOf({ at: '2026-01-01T00:00:00Z' }, 'billing.once', epoch)).toEqual([]);
    expect(problemsOf({ ends_at: '2026-01-01T00:00:00Z' }, 'billing.once', epoch)).toEqual([]);
    expect(problemsOf({ cron: '0 0 31 2 *' }, 'billing.once', epoch)).toHaveLength(1);
  });

  test('has bounded jitter', () => {
    for (const jitter_seconds of [-1, 86_400.5])
      expect(problemsOf({ jitter_seconds })).toEqual([
        `/jitter_seconds: must be from 0 to 86400, got ${jitter_seconds}`,
      ]);
    expect(problemsOf({ jitter_seconds: 0.5 })).toEqual([]);
  });
});

describe('the rest of the settings', () => {
  test('the id begins with the namespace of the task', () => {
    expect(problemsOf({}, 'reports.nightly')).toEqual([
      '/task: the id of a schedule must begin with "billing.", the namespace of its task, got "reports.nightly"',
    ]);
  });

  test.each(['nightly', 'Billing.nightly', 'billing.', 'billing nightly', `billing.${'n'.repeat(121)}`])(
    'the id %j is refused',
    (id) => {
      const [problem, ...others] = problemsOf({}, id);
      expect(problem).toMatch(
        /^: the id of a schedule must match .* have at most 128 characters, such as "billing\.nightly", got "/,
      );
      expect(others).toEqual([]);
    },
  );

  test('several missed times at once need an overlap that allows it', () => {
    expect(problemsOf({ catch_up: 'all' })).toEqual([
      '/overlap: must be "allow" with catch_up "all", which submits several missed times at once, got "skip". Or use catch_up "last"',
    ]);
    expect(problemsOf({ catch_up: 'all', overlap: 'allow' })).toEqual([]);
  });

  test.each([
    [{ catch_up_max: 0 }, '/catch_up_max: must be from 1 to 1000, got 0'],
    [{ catch_up_max: 1_001 }, '/catch_up_max: must be from 1 to 1000, got 1001'],
    [{ catch_up_window_seconds: 0 }, '/catch_up_window_seconds: must be from 1 to 31622400, got 0'],
    [{ priority: 1_001 }, '/priority: must be from -1000 to 1000, got 1001'],
    [{ max_attempts: 0 }, '/max_attempts: must be from 1 to 1000, got 0'],
    [{ description: 'x'.repeat(1_001) }, '/description: must have 0 to 1000 characters, got 1001'],
    [
      { description: 'a\u0000' },
      '/description: contains the character NUL (\\u0000), which Postgres cannot store',
    ],
    [{ tags: Array.from({ length: 21 }, (_, n) => `t${n}`) }, '/tags: must have at most 20 tags, got 21'],
    [{ tags: ['a', 'a'] }, '/tags: must not have one twice, got ["a","a"]'],
    [{ tags: ['a', ''] }, '/tags/1: must have 1 to 100 characters, got 0'],
    [{ tags: ['😀'.repeat(101)] }, '/tags/0: must have 1 to 100 characters, got 101'],
  ] satisfies [Partial<ScheduleSettings>, string][])('%o is refused', (settings, message) => {
    expect(problemsOf(settings)).toEqual([message]);
  });

  test('all problems are reported, below the path of the settings', () => {
    const settings = settingsOf({ cron: '60 * * * *', catch_up_max: 0, timezone: 'utc' });
    const paths = settingsProblems('billing.nightly', settings, NOW, '/schedule').map(({ path }) => path);
    expect(paths).toEqual(['/schedule/cron', '/schedule/timezone', '/schedule/catch_up_max']);
  });
});
