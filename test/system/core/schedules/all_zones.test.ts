import { describe, expect, test } from 'vitest';
import { latestTimes, timesAfter } from '../../../../core/schedules/times.ts';
import {
  type Clock,
  expressionOf,
  minutesAround,
  settingsOf,
  walk,
} from '../../../fast/core/schedules/oracle.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Fixed times in and around every gap and repetition, steps, and stars. */
const CLOCKS: Clock[] = [
  { minute: { list: [0, 15, 30, 45] }, hour: { list: [0, 1, 2, 3, 4, 20, 21, 22, 23] }, weekdays: 'star' },
  { minute: { list: [30] }, hour: { list: [23] }, weekdays: 'star' },
  { minute: { list: [10] }, hour: { list: [0, 1, 2, 3] }, weekdays: [0, 6] },
  { minute: { step: 20 }, hour: { list: [0, 1, 2, 3, 22, 23] }, weekdays: 'star' },
  { minute: { list: [5] }, hour: { step: 2 }, weekdays: 'star' },
  { minute: 'star', hour: 'star', weekdays: [0] },
];

type Change = { zone: string; at: number; name: string };

/** Changes that are not in the rules of today: by a day, half an hour, a quarter, several hours, at 16:01. */
const ODD = [
  ['Pacific/Kwajalein', '1993-08-21T12:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['Asia/Kathmandu', '1985-12-31T18:30Z'],
  ['America/Caracas', '2007-12-09T07:00Z'],
  ['America/Caracas', '2016-05-01T07:00Z'],
  ['Asia/Pyongyang', '2015-08-14T15:00Z'],
  ['Asia/Pyongyang', '2018-05-04T15:00Z'],
  ['Europe/Moscow', '2014-10-25T22:00Z'],
  ['Antarctica/Casey', '2018-03-10T17:00Z'],
  ['Antarctica/Casey', '2020-10-03T16:01Z'],
].map(([zone = '', at = '']) => ({ zone, at: Date.parse(at), name: at }));

/** The changes of all zones in these years; of zones that change alike, one. */
function changesOf(from: number, until: number): Change[] {
  const changes = new Map<string, Change>();
  for (const zone of Intl.supportedValuesOf('timeZone')) {
    const offsetAt = offsetsOf(zone);
    for (let day = from; day < until; day += DAY_MS) {
      const [before, after] = [offsetAt(day), offsetAt(day + DAY_MS)];
      if (before === after) continue;
      let [low, high] = [day, day + DAY_MS];
      while (high - low > MINUTE_MS) {
        const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
        if (offsetAt(middle) === before) low = middle;
        else high = middle;
      }
      changes.set(`${high} ${before} ${after}`, { zone, at: high, name: new Date(high).toISOString() });
    }
  }
  return [...changes.values()];
}

function offsetsOf(zone: string): (instant: number) => string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  return (instant) => format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

const CHANGES = changesOf(Date.UTC(2027, 0), Date.UTC(2028, 0));

test('the clocks of at least thirty kinds of zones change in a year', () => {
  expect(CHANGES.length).toBeGreaterThan(30);
});

describe('around each change of clocks, times are as a look at every minute finds them', () => {
  test.each([...CHANGES, ...ODD])('$zone $name', ({ zone, at }) => {
    const [from, until] = [at - 1.5 * DAY_MS, at + 1.5 * DAY_MS];
    const minutes = minutesAround(zone, from, until);
    for (const clock of CLOCKS) {
      const timing = settingsOf({ cron: expressionOf(clock), timezone: zone });
      const expected = walk(clock, minutes, from, until);
      const range = { after: new Date(from - 1), until: new Date(until - 1) };
      expect(texts(latestTimes(timing, range, 5_000)), expressionOf(clock)).toEqual(expected);
      const ahead = timesAfter(timing, range.after, expected.length + 1).filter(
        (time) => time <= range.until,
      );
      expect(texts(ahead), expressionOf(clock)).toEqual(expected);
    }
  });
});

function texts(times: readonly Date[]): string[] {
  return times.map((time) => time.toISOString());
}
