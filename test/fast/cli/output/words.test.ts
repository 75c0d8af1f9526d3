import { expect, test } from 'vitest';
import { toAge, toDuration, toMoment, toNumberOf, toPercent, toRate } from '../../../../cli/output/words.ts';

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [999.6, '1.0 s'],
  [1_240, '1.2 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [123_000, '2 min 3 s'],
  [3_599_600, '1 h'],
  [11_040_000, '3 h 4 min'],
  [86_390_000, '1 d'],
  [183_600_000, '2 d 3 h'],
  [-2_000, '-2.0 s'],
])('%d ms is %s', (ms, words) => {
  expect(toDuration(ms)).toBe(words);
});

test.each([
  [900, '0s'],
  [119_000, '119s'],
  [121_000, '2m'],
  [7_199_000, '119m'],
  [7_200_000, '2h'],
  [172_800_000, '2d'],
  [-90_000, '+90s'],
])('an age of %d ms is %s', (ms, words) => {
  expect(toAge(ms)).toBe(words);
});

test('a time has its distance from now', () => {
  const time = '2026-11-30T12:00:00.000Z';
  expect(toMoment(time, Date.parse(time) + 61_000)).toMatch(
    /^2026-1[12]-\d\d \d\d:\d\d:00 \(1 min 1 s ago\)$/,
  );
  expect(toMoment(time, Date.parse(time) - 61_000)).toContain('(in 1 min 1 s)');
});

test('nearly all is not all', () => {
  expect([1, 0.9999, 0.5, 0.001, null].map(toPercent)).toEqual(['100%', '99.9%', '50%', '0.1%', '-']);
});

test('rates and numbers', () => {
  expect([0.004, 0.25, 12.34, 1_234.5].map(toRate)).toEqual(['0/s', '0.25/s', '12.3/s', '1,235/s']);
  expect([toNumberOf(1, 'task'), toNumberOf(12_345, 'task')]).toEqual(['1 task', '12,345 tasks']);
});
