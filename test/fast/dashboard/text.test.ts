import { afterEach, describe, expect, test, vi } from 'vitest';
import { jsonText, readJson } from '../../../dashboard/text/json.ts';
import { duration, exactTime, relativeTime, spanMs } from '../../../dashboard/text/time.ts';
import { count, counted, firstLine, percent, short, shortId } from '../../../dashboard/text/words.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

afterEach(() => vi.unstubAllEnvs());

describe('times', () => {
  test.each([
    [0, 'now'],
    [5, '5 sec. ago'],
    [-5, 'in 5 sec.'],
    [119, '1 min. ago'],
    [3_600, '1 hr. ago'],
    [86_400, 'yesterday'],
    [-86_400, 'tomorrow'],
    [86_400 * 3, '3 days ago'],
    [-7_200, 'in 2 hr.'],
  ])('%i s ago is %s', (seconds, words) => {
    expect(relativeTime(ago(seconds), NOW)).toBe(words);
  });

  test.each([
    ['Europe/Berlin', '2026-11-30 21:19:04.023 UTC+1'],
    ['Asia/Kolkata', '2026-12-01 01:49:04.023 UTC+5:30'],
    ['America/St_Johns', '2026-11-30 16:49:04.023 UTC-3:30'],
    ['UTC', '2026-11-30 20:19:04.023 UTC'],
  ])('the exact time has milliseconds and the zone of the reader: %s', (zone, shown) => {
    vi.stubEnv('TZ', zone);
    expect(exactTime('2026-11-30T20:19:04.023Z')).toBe(shown);
  });

  test('what is no time is shown as it is', () => {
    expect(relativeTime('soon', NOW)).toBe('soon');
    expect(exactTime('soon')).toBe('soon');
  });

  test.each([
    [0, '0 ms'],
    [340, '340 ms'],
    [1_234, '1.2 s'],
    [59_400, '59 s'],
    [200_000, '3 m 20 s'],
    [7_500_000, '2 h 5 m'],
    [86_400_000 * 3, '3 d'],
  ])('%i ms is %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  test('spans are minutes, hours or days', () => {
    expect([spanMs('15m'), spanMs('24h'), spanMs('7d'), spanMs('0h'), spanMs('1w'), spanMs('')]).toEqual([
      900_000,
      86_400_000,
      604_800_000,
      null,
      null,
      null,
    ]);
  });
});

describe('numbers and words', () => {
  test('counts have thousands apart, and say if there may be more', () => {
    expect([
      count(999),
      count(12_345),
      count(1_234_567, true),
      counted(1, 'task'),
      counted(2, 'child', 'children'),
    ]).toEqual(['999', '12,345', '1,234,567+', '1 task', '2 children']);
  });

  test('a rate has the digits that matter', () => {
    expect([0, 0.024, 1.5, 34.56, 340.6, 12_345, 2_500_000].map(short)).toEqual([
      '0',
      '0.02',
      '1.5',
      '34.6',
      '341',
      '12.3k',
      '2.5M',
    ]);
  });

  test('a percentage is never rounded up to all', () => {
    expect([1, 0.99999, 0.5].map(percent)).toEqual(['100 %', '99.9 %', '50 %']);
  });

  test('long texts are cut', () => {
    expect(shortId('019c0000-0000-7000-8000-00000000abcd')).toBe('019c0000…abcd');
    expect(firstLine('one\ntwo')).toBe('one');
    expect(firstLine('abcdef', 4)).toBe('abc…');
  });

  test('JSON shows what would change the direction of writing, and stays the same value', () => {
    const value = { '\u202ename': ['a\u2066b', 'ü'] };
    expect(jsonText(value)).toContain('"\\u202ename"');
    expect(JSON.parse(jsonText(value))).toEqual(value);
  });

  test('JSON is read, or it is said what is wrong', () => {
    expect(readJson('{"a":1}')).toEqual({ value: { a: 1 } });
    expect(readJson('{')).toMatchObject({ problem: expect.stringContaining('not JSON') });
  });
});
