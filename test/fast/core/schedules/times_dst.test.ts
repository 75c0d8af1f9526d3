import { describe, expect, test } from 'vitest';
import { countTimes, latestTimes, nextTime, timesAfter } from '../../../../core/schedules/times.ts';
import { type Clock, expressionOf, minutesAround, settingsOf, walk } from './oracle.ts';

type Night = { zone: string; night: string; from: string; until: string; times: Record<string, string[]> };

/**
 * Both nights of 2027. Each expression has its times between two moments, in UTC. In all of them an interval
 * and a step come every 30 minutes.
 */
const NIGHTS: Night[] = [
  {
    zone: 'Europe/Berlin',
    night: '02:00 becomes 03:00',
    from: '2027-03-28T00:00Z',
    until: '2027-03-28T03:00Z',
    times: {
      '30 2 * * *': ['01:00'],
      '0,30 2 * * *': ['01:00'],
      '59 59 2 * * *': ['01:00'],
      '0,30 1-3 * * *': ['00:00', '00:30', '01:00', '01:30'],
      '30 2 28 3 *': ['01:00'],
      '30 2 * * SUN': ['01:00'],
      '*/20 2 * * *': [],
      '0 */2 * * *': ['02:00'],
    },
  },
  {
    zone: 'Europe/Berlin',
    night: '03:00 becomes 02:00',
    from: '2027-10-30T23:30Z',
    until: '2027-10-31T03:00Z',
    times: {
      '30 2 * * *': ['00:30'],
      '0,30 2 * * *': ['00:00', '00:30'],
      '0,30 1-3 * * *': ['23:30', '00:00', '00:30', '02:00', '02:30'],
      '0 3 * * *': ['02:00'],
      '*/20 2 * * *': ['00:00', '00:20', '00:40', '01:00', '01:20', '01:40'],
      '0 */2 * * *': ['00:00', '01:00'],
    },
  },
  {
    zone: 'America/New_York',
    night: '02:00 becomes 03:00',
    from: '2027-03-14T06:00Z',
    until: '2027-03-14T09:00Z',
    times: {
      '30 2 * * *': ['07:00'],
      '0,30 1-3 * * *': ['06:00', '06:30', '07:00', '07:30'],
      '*/20 2 * * *': [],
    },
  },
  {
    zone: 'America/New_York',
    night: '02:00 becomes 01:00',
    from: '2027-11-07T05:00Z',
    until: '2027-11-07T08:00Z',
    times: {
      '30 1 * * *': ['05:30'],
      '0,30 1-2 * * *': ['05:00', '05:30', '07:00', '07:30'],
      '*/20 1 * * *': ['05:00', '05:20', '05:40', '06:00', '06:20', '06:40'],
    },
  },
  {
    zone: 'Australia/Lord_Howe',
    night: '02:00 becomes 02:30',
    from: '2027-10-02T15:00Z',
    until: '2027-10-02T17:00Z',
    times: {
      '15 2 * * *': ['15:30'],
      '0,15,30,45 2 * * *': ['15:30', '15:45'],
      '*/20 2 * * *': ['15:40'],
      '0 3 * * *': ['16:00'],
    },
  },
  {
    zone: 'Australia/Lord_Howe',
    night: '02:00 becomes 01:30',
    from: '2027-04-03T14:00Z',
    until: '2027-04-03T16:30Z',
    times: {
      '45 1 * * *': ['14:45'],
      '15,45 1 * * *': ['14:15', '14:45'],
      '0 2 * * *': ['15:30'],
      '*/20 1 * * *': ['14:00', '14:20', '14:40', '15:10'],
    },
  },
  {
    zone: 'Africa/Cairo',
    night: 'midnight becomes 01:00',
    from: '2027-04-29T21:00Z',
    until: '2027-04-30T00:00Z',
    times: {
      '@daily': ['22:00'],
      '30 0 * * *': ['22:00'],
      '0 0 30 * *': ['22:00'],
      '15 0 * * FRI': ['22:00'],
      '30 23 * * *': ['21:30'],
      '0 1 * * *': ['22:00'],
      '*/20 0 * * *': [],
    },
  },
  {
    zone: 'Africa/Cairo',
    night: 'midnight becomes 23:00',
    from: '2027-10-28T20:00Z',
    until: '2027-10-28T23:30Z',
    times: {
      '30 23 * * *': ['20:30'],
      '@daily': ['22:00'],
      '0 0 29 * *': ['22:00'],
      '*/20 23 * * *': ['20:00', '20:20', '20:40', '21:00', '21:20', '21:40'],
    },
  },
  {
    zone: 'America/Santiago',
    night: 'midnight becomes 01:00',
    from: '2027-09-05T03:00Z',
    until: '2027-09-05T06:00Z',
    times: {
      '@daily': ['04:00'],
      '30 0 * * SUN': ['04:00'],
      '0 0 5 9 *': ['04:00'],
      '*/20 0 * * *': [],
      '30 23 * * *': ['03:30'],
    },
  },
  {
    zone: 'America/Santiago',
    night: 'midnight becomes 23:00',
    from: '2027-04-04T02:00Z',
    until: '2027-04-04T05:00Z',
    times: {
      '30 23 * * *': ['02:30'],
      '30 23 3 4 *': ['02:30'],
      '@daily': ['04:00'],
      '*/30 23 * * *': ['02:00', '02:30', '03:00', '03:30'],
    },
  },
  {
    zone: 'America/Nuuk',
    night: '23:00 becomes midnight',
    from: '2027-03-28T00:00Z',
    until: '2027-03-28T03:00Z',
    times: {
      '30 23 * * *': ['01:00'],
      '30 23 27 * *': ['01:00'],
      '30 23 * * SAT': ['01:00'],
      '@daily': ['01:00'],
      '*/20 23 * * *': [],
    },
  },
  {
    zone: 'America/Nuuk',
    night: 'midnight becomes 23:00',
    from: '2027-10-31T00:00Z',
    until: '2027-10-31T03:00Z',
    times: {
      '30 23 * * *': ['00:30'],
      '@daily': ['02:00'],
      '*/30 23 * * *': ['00:00', '00:30', '01:00', '01:30'],
    },
  },
];

describe.each(NIGHTS)('$zone, $night', ({ zone, from, until, times }) => {
  const range = { after: new Date(Date.parse(from) - 1), until: new Date(Date.parse(until) - 1) };
  const halfHours: string[] = [];
  for (let time = Date.parse(from); time < Date.parse(until); time += 1_800_000)
    halfHours.push(clockOf(time));

  test.each(Object.entries(times))('%s', (cron, expected) => {
    expectTimes(settingsOf({ cron, timezone: zone }), expected);
  });

  test('steps and intervals go by elapsed time', () => {
    expectTimes(settingsOf({ cron: '*/30 * * * *', timezone: zone }), halfHours);
    expectTimes(settingsOf({ every_seconds: 1_800, timezone: zone }), halfHours);
  });

  test('any minutes and hours are as a look at every minute says', () => {
    const [start, end] = [Date.parse(from) - 86_400_000, Date.parse(until) + 86_400_000];
    const minutes = minutesAround(zone, start, end);
    for (const clock of CLOCKS) {
      const settings = settingsOf({ cron: expressionOf(clock), timezone: zone });
      const found = latestTimes(settings, { after: new Date(start - 1), until: new Date(end - 1) }, 10_000);
      expect(
        found.map((time) => time.toISOString()),
        expressionOf(clock),
      ).toEqual(walk(clock, minutes, start, end));
    }
  });

  test('whenever one looks, also while readings repeat, the next time is after it and the newest is not', () => {
    const cron = '0,15,30,45 0-3,22,23 * * *';
    const settings = settingsOf({ cron, timezone: zone });
    const [start, end] = [Date.parse(from), Date.parse(until)];
    const around = { after: new Date(start - 86_400_000), until: new Date(end + 86_400_000) };
    const all = latestTimes(settings, around, 1_000).map((time) => time.getTime());
    for (let time = start; time < end; time += 7 * 60_000) {
      const moment = new Date(time);
      expect(nextTime(settings, moment)?.getTime()).toBe(all.find((other) => other > time));
      const [newest] = latestTimes(settings, { after: around.after, until: moment }, 1);
      expect(newest?.getTime()).toBe(all.findLast((other) => other <= time));
    }
  });

  function expectTimes(settings: ReturnType<typeof settingsOf>, expected: string[]): void {
    const after = timesAfter(settings, range.after, expected.length + 1).filter(
      (time) => time <= range.until,
    );
    expect(after.map(clockOf)).toEqual(expected);
    expect(latestTimes(settings, range, 100).map(clockOf)).toEqual(expected);
    expect(countTimes(settings, range, 100)).toBe(expected.length);
    const next = nextTime(settings, range.after);
    expect(next !== null && next <= range.until ? clockOf(next) : undefined).toBe(expected[0]);
  }
});

const CLOCKS: Clock[] = [
  { minute: { list: [0, 15, 30, 45] }, hour: { list: [0, 1, 2, 3, 22, 23] }, weekdays: 'star' },
  { minute: { list: [7] }, hour: { list: [0, 1, 2, 3, 23] }, weekdays: [0, 5, 6] },
  { minute: { step: 13 }, hour: 'star', weekdays: 'star' },
  { minute: { list: [10] }, hour: { step: 3 }, weekdays: [0, 6] },
  { minute: 'star', hour: { list: [1, 2, 23] }, weekdays: 'star' },
];

function clockOf(time: Date | number): string {
  return new Date(time).toISOString().slice(11, 16);
}
