import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timingProblems } from '../../../../core/schedules/check_timing.ts';
import { countTimes, dueAt, latestTimes, nextTime, timesAfter } from '../../../../core/schedules/times.ts';
import { anyClock, anyMoment, anyTiming, anyZone } from './arbitrary_timings.ts';
import { expressionOf, minutesAround, settingsOf, walk } from './oracle.ts';

const COUNT = 20;

/** Timings that are accepted, and a moment. */
const accepted = fc
  .tuple(anyTiming, anyMoment)
  .filter(([timing]) => timingProblems(timing, new Date(0)).length === 0);

test('any expression in any zone has the times that a look at every minute finds', () => {
  fc.assert(
    fc.property(anyClock, anyZone, anyMoment, (clock, timezone, moment) => {
      const from = Math.floor(moment.getTime() / 60_000) * 60_000;
      const until = from + 43_200_000;
      const timing = settingsOf({ cron: expressionOf(clock), timezone });
      const range = { after: new Date(from - 1), until: new Date(until - 1) };
      const expected = walk(clock, minutesAround(timezone, from, until), from, until);
      expect(texts(latestTimes(timing, range, 1_000))).toEqual(expected);
      expect(texts(timesAfter(timing, range.after, expected.length))).toEqual(expected);
      expect(countTimes(timing, range, 1_000)).toBe(expected.length);
    }),
    { numRuns: 20 },
  );
});

test('times are strictly increasing, and the same one by one and together', () => {
  fc.assert(
    fc.property(accepted, ([timing, after]) => {
      const times = timesAfter(timing, after, COUNT);
      let last = after;
      for (const time of times) {
        expect(time.getTime()).toBeGreaterThan(last.getTime());
        expect(nextTime(timing, last)).toEqual(time);
        // Between two times, wherever one looks from, the next one is the same.
        expect(nextTime(timing, new Date((last.getTime() + time.getTime()) / 2))).toEqual(time);
        last = time;
      }
      if (times.length < COUNT) expect(nextTime(timing, last)).toBeNull();
    }),
  );
});

test('looking back finds the times that looking ahead finds', () => {
  fc.assert(
    fc.property(accepted, fc.integer({ min: 0, max: COUNT }), ([timing, after], some) => {
      const times = timesAfter(timing, after, COUNT);
      const until = times.at(-1) ?? after;
      const range = { after, until };
      expect(texts(latestTimes(timing, range, COUNT + 1))).toEqual(texts(times));
      expect(texts(latestTimes(timing, range, some))).toEqual(texts(some === 0 ? [] : times.slice(-some)));
      expect(countTimes(timing, range, COUNT)).toBe(times.length);
      expect(countTimes(timing, range, some)).toBe(times.length > some ? null : times.length);
      // From between two times, the newest one is the earlier of them.
      const [before, next] = times.slice(-2);
      if (before === undefined || next === undefined) return;
      expect(latestTimes(timing, { after, until: new Date(next.getTime() - 1) }, 1)).toEqual([before]);
    }),
  );
});

test('jitter stays within its bound and before the next time, and is always the same', () => {
  fc.assert(
    fc.property(accepted, fc.string(), ([timing, after], id) => {
      for (const time of timesAfter(timing, after, 3)) {
        const due = dueAt(id, timing, time);
        expect(due).toEqual(dueAt(id, { ...timing }, new Date(time)));
        expect(due.getTime()).toBeGreaterThanOrEqual(time.getTime());
        expect(due.getTime() - time.getTime()).toBeLessThanOrEqual(timing.jitter_seconds * 1_000);
        const next = nextTime(timing, time);
        if (next !== null) expect(due.getTime()).toBeLessThan(next.getTime());
      }
    }),
  );
});

test('all times are from starts_at to ends_at', () => {
  fc.assert(
    fc.property(accepted, ([timing, after]) => {
      for (const time of timesAfter(timing, after, COUNT)) {
        if (timing.starts_at !== null)
          expect(time.getTime()).toBeGreaterThanOrEqual(Date.parse(timing.starts_at));
        if (timing.ends_at !== null) expect(time.getTime()).toBeLessThanOrEqual(Date.parse(timing.ends_at));
      }
    }),
  );
});

function texts(times: readonly Date[]): string[] {
  return times.map((time) => time.toISOString());
}
