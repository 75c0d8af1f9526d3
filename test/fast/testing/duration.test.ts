import { expect, test } from 'vitest';
import { type Duration, msOf } from '../../../testing/duration.ts';

test.each<[Duration, number]>([
  [0, 0],
  [1.5, 1.5],
  ['90 seconds', 90_000],
  ['1 hour', 3_600_000],
  ['0.5 days', 43_200_000],
  ['2 weeks', 1_209_600_000],
  ['20 ms', 20],
])('%j is %d ms', (duration, ms) => expect(msOf(duration)).toBe(ms));

test.each(['2 fortnights', 'days', '-1 day', '1e3 days', Number.NaN, -1])('%j is refused, with what is accepted', (wrong) => {
  expect(() => msOf(wrong as Duration)).toThrow("such as '90 seconds', '1 hour' or '2 days'");
});
