import { describe, expect, test } from 'vitest';
import type { ScheduleSettings } from '../../../../core/schedules/settings.ts';
import { countTimes, dueAt, latestTimes, nextTime, timesAfter } from '../../../../core/schedules/times.ts';
import { settingsOf } from './oracle.ts';

function timesOf(given: Partial<ScheduleSettings>, after: string, count = 3): string[] {
  return timesAfter(settingsOf(given), new Date(after), count).map((time) =>
    time.toISOString().replace(':00.000Z', ''),
  );
}

describe('expressions', () => {
  test.each([
    ['a leap day', '0 0 29 2 *', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
    [
      'a day that not all months have',
      '0 0 31 * *',
      ['2027-01-31T00:00', '2027-03-31T00:00', '2027-05-31T00:00'],
    ],
    ['the last day of the month', '0 0 L * *', ['2027-01-31T00:00', '2027-02-28T00:00', '2027-03-31T00:00']],
    [
      'the last weekday of the month',
      '0 0 LW * *',
      ['2027-01-29T00:00', '2027-02-26T00:00', '2027-03-31T00:00'],
    ],
    [
      'the weekday nearest to a day',
      '0 0 2W * *',
      ['2027-01-01T00:00', '2027-02-02T00:00', '2027-03-02T00:00'],
    ],
    ['the last Friday', '0 0 * * 5L', ['2027-01-29T00:00', '2027-02-26T00:00', '2027-03-26T00:00']],
    ['the second Friday', '0 0 * * FRI#2', ['2027-01-08T00:00', '2027-02-12T00:00', '2027-03-12T00:00']],
    ['the fifth Monday', '0 0 * * MON#5', ['2027-03-29T00:00', '2027-05-31T00:00', '2027-08-30T00:00']],
    ['names', '0 0 1 jan,JUL *', ['2027-01-01T00:00', '2027-07-01T00:00', '2028-01-01T00:00']],
    ['Sunday as 7', '0 0 * * 7', ['2027-01-03T00:00', '2027-01-10T00:00', '2027-01-17T00:00']],
    ['a range up to Sunday', '0 0 * * FRI-SUN', ['2027-01-01T00:00', '2027-01-02T00:00', '2027-01-03T00:00']],
    [
      'six fields',
      '30 0 0 1 * *',
      ['2027-01-01T00:00:30.000Z', '2027-02-01T00:00:30.000Z', '2027-03-01T00:00:30.000Z'],
    ],
    [
      'day of month or day of week',
      '0 0 13 * FRI',
      ['2027-01-01T00:00', '2027-01-08T00:00', '2027-01-13T00:00'],
    ],
    [
      'day of month and day of week',
      '0 0 13 * +FRI',
      ['2027-08-13T00:00', '2028-10-13T00:00', '2029-04-13T00:00'],
    ],
    ['a question mark', '0 0 ? * SAT', ['2027-01-02T00:00', '2027-01-09T00:00', '2027-01-16T00:00']],
    ['@hourly', '@hourly', ['2027-01-01T00:00', '2027-01-01T01:00', '2027-01-01T02:00']],
    ['@daily', '@daily', ['2027-01-01T00:00', '2027-01-02T00:00', '2027-01-03T00:00']],
    ['@weekly', '@weekly', ['2027-01-03T00:00', '2027-01-10T00:00', '2027-01-17T00:00']],
    ['@monthly', '@MONTHLY', ['2027-01-01T00:00', '2027-02-01T00:00', '2027-03-01T00:00']],
    ['@yearly', '@yearly', ['2027-01-01T00:00', '2028-01-01T00:00', '2029-01-01T00:00']],
    ['blanks around it', '  0   0 1 1 *\n', ['2027-01-01T00:00', '2028-01-01T00:00', '2029-01-01T00:00']],
  ])('%s: %s', (_, cron, expected) => {
    expect(timesOf({ cron }, '2026-12-31T23:59:59.999Z')).toEqual(expected);
  });

  test('centuries without leap day are left out', () => {
    expect(timesOf({ cron: '0 0 29 2 *' }, '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T00:00']);
    expect(timesOf({ cron: '0 0 29 2 *' }, '2396-03-01T00:00Z', 1)).toEqual(['2400-02-29T00:00']);
  });

  test('times of expressions end with the year 2999, others with 9999, as in Postgres', () => {
    expect(timesOf({ cron: '0 0 1 1 *' }, '2998-12-01T00:00Z')).toEqual(['2999-01-01T00:00']);
    expect(timesOf({ every_seconds: 86_400 }, '9999-12-30T12:00Z')).toEqual(['9999-12-31T00:00']);
  });

  test('rare dates are found far ahead and far back', () => {
    const rare = { cron: '0 0 29 2 +MON', timezone: 'America/New_York' };
    expect(timesOf(rare, '2027-01-01T00:00Z', 2)).toEqual(['2044-02-29T05:00', '2072-02-29T05:00']);
    const range = { after: new Date(0), until: new Date('2043-01-01') };
    expect(latestTimes(settingsOf(rare), range, 1)).toEqual([new Date('2016-02-29T05:00Z')]);
  });
});

describe('zones', () => {
  test('a fixed time follows a zone that gives up summer time', () => {
    // Mexico has had none since October 2022.
    const noon = { cron: '0 12 1 7 *', timezone: 'America/Mexico_City' };
    expect(timesOf(noon, '2021-01-01T00:00Z')).toEqual([
      '2021-07-01T17:00',
      '2022-07-01T17:00',
      '2023-07-01T18:00',
    ]);
  });

  test('a zone that moves by half an hour gives a fixed time of the gap right after it', () => {
    // Pyongyang went from +08:30 to +09:00 at 23:30.
    const times = timesOf({ cron: '45 23 * * *', timezone: 'Asia/Pyongyang' }, '2018-05-03T12:00Z');
    expect(times).toEqual(['2018-05-03T15:15', '2018-05-04T15:00', '2018-05-05T14:45']);
  });

  test('a fixed time of a day that a zone leaves out comes once, right after that day', () => {
    // Apia went over the date line: after 29 December came 31 December.
    const noon = { cron: '0 12 * * *', timezone: 'Pacific/Apia' };
    expect(timesOf(noon, '2011-12-29T00:00Z', 4)).toEqual([
      '2011-12-29T22:00',
      '2011-12-30T10:00',
      '2011-12-30T22:00',
      '2011-12-31T22:00',
    ]);
    expect(timesOf({ ...noon, cron: '0 12 30 * *' }, '2011-12-01T00:00Z', 1)).toEqual(['2011-12-30T10:00']);
  });

  test('all spellings of a zone are the same zone', () => {
    const [one, other] = ['America/Nuuk', 'aMERICA/gODTHAB'].map((timezone) =>
      ['30 2 * * *', '*/7 2 * * *'].map((cron) => timesOf({ cron, timezone }, '2027-03-01T00:00Z', 50)),
    );
    expect(one).toEqual(other);
  });

  test('an unknown zone, and an offset, throw', () => {
    for (const timezone of ['Europe/Atlantis', '+01:00', ''])
      for (const cron of ['30 2 * * *', '*/5 * * * *'])
        expect(() => timesOf({ cron, timezone }, '2027-03-01T00:00Z'), timezone).toThrow(RangeError);
  });
});

describe('intervals', () => {
  test('they count from 1970, so that making the schedule again does not move them', () => {
    expect(timesOf({ every_seconds: 7_200 }, '2027-01-01T00:30Z')).toEqual([
      '2027-01-01T02:00',
      '2027-01-01T04:00',
      '2027-01-01T06:00',
    ]);
  });

  test('they count from starts_at, which is the first time', () => {
    const settings = { every_seconds: 7_200, starts_at: '2027-01-01T00:15:00Z' };
    expect(timesOf(settings, '2020-01-01T00:00Z', 2)).toEqual(['2027-01-01T00:15', '2027-01-01T02:15']);
    expect(timesOf(settings, '2027-01-01T00:15:00Z', 1)).toEqual(['2027-01-01T02:15']);
    expect(
      latestTimes(settingsOf(settings), { after: new Date(0), until: new Date('2027-01-01') }, 5),
    ).toEqual([]);
  });
});

describe('bounds', () => {
  test('starts_at and ends_at are included', () => {
    const hours = { cron: '0 * * * *', starts_at: '2027-01-01T02:00:00Z', ends_at: '2027-01-01T04:00:00Z' };
    const all = ['2027-01-01T02:00', '2027-01-01T03:00', '2027-01-01T04:00'];
    expect(timesOf(hours, '2020-01-01T00:00Z', 9)).toEqual(all);
    expect(timesOf({ ...hours, starts_at: '2027-01-01T02:00:00.001Z' }, '2020-01-01T00:00Z', 9)).toEqual(
      all.slice(1),
    );
    expect(timesOf({ ...hours, ends_at: '2027-01-01T03:59:59.999Z' }, '2020-01-01T00:00Z', 9)).toEqual(
      all.slice(0, 2),
    );
    const range = { after: new Date(0), until: new Date('2030-01-01') };
    expect(latestTimes(settingsOf(hours), range, 9)).toHaveLength(3);
    expect(countTimes(settingsOf(hours), range, 9)).toBe(3);
  });

  test('they can have any offset', () => {
    const hours = {
      cron: '0 * * * *',
      starts_at: '2027-01-01T04:00:00+02:00',
      ends_at: '2027-01-01T02:00:00-01:00',
    };
    expect(timesOf(hours, '2020-01-01T00:00Z', 9)).toEqual(['2027-01-01T02:00', '2027-01-01T03:00']);
  });

  test('a single time comes once, if it is within them', () => {
    const once = { at: '2027-01-01T02:00:00Z' };
    expect(timesOf(once, '2026-01-01T00:00Z')).toEqual(['2027-01-01T02:00']);
    expect(timesOf(once, '2027-01-01T02:00:00Z')).toEqual([]);
    expect(timesOf({ ...once, ends_at: '2026-12-31T00:00:00Z' }, '2026-01-01T00:00Z')).toEqual([]);
    expect(timesOf({ ...once, starts_at: '2027-12-31T00:00:00Z' }, '2026-01-01T00:00Z')).toEqual([]);
  });
});

describe('jitter', () => {
  const hourly = settingsOf({ cron: '0 * * * *', jitter_seconds: 600 });
  const hours = timesAfter(hourly, new Date('2027-01-01'), 500);
  const minutesLate = (id: string) =>
    hours.map((time) => (dueAt(id, hourly, time).getTime() - time.getTime()) / 60_000);

  test('it spreads the times of one schedule, and those of schedules with one timing', () => {
    const late = minutesLate('billing.nightly');
    for (let minute = 0; minute < 10; minute++)
      expect(late.some((value) => Math.floor(value) === minute)).toBe(true);
    expect(new Set([...late, ...minutesLate('billing.other')]).size).toBeGreaterThan(990);
  });

  test('without it, a time is due at once', () => {
    const settings = settingsOf({ cron: '0 * * * *' });
    const time = nextTime(settings, new Date('2027-01-01')) ?? new Date(0);
    expect(dueAt('billing.nightly', settings, time)).toEqual(time);
  });

  test('more jitter than there is to the next time is cut', () => {
    const dense = settingsOf({ every_seconds: 10, jitter_seconds: 86_400 });
    for (const time of timesAfter(dense, new Date('2027-01-01'), 100))
      expect(dueAt('a.b', dense, time).getTime() - time.getTime()).toBeLessThan(10_000);
  });
});
