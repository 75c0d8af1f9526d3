import { expect, test, vi } from 'vitest';
import { toFilter } from '../../../cli/filters.ts';
import { duration, futureTime, integer, list, pastTime, states } from '../../../cli/options.ts';

test.each([
  ['90', 90],
  ['500ms', 0.5],
  ['1.5s', 1.5],
  ['15m', 900],
  ['2h', 7_200],
  ['7d', 604_800],
])('the duration %s is %d seconds', (text, seconds) => {
  expect(duration(text)).toBe(seconds);
});

test.each(['', '-1', '1y', '1h30m', 'soon', '1e3', ' 1'])('%j is no duration', (text) => {
  expect(() => duration(text)).toThrow('It must be seconds, or a number with a unit');
});

test('a time is a moment, or its distance from now', () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-30T12:00:00Z') });
  try {
    expect(pastTime('2h')).toBe('2026-11-30T10:00:00.000Z');
    expect(futureTime('2h')).toBe('2026-11-30T14:00:00.000Z');
  } finally {
    vi.useRealTimers();
  }
  expect(pastTime('2026-11-30T12:00+01:00')).toBe('2026-11-30T11:00:00.000Z');
  expect(pastTime('2026-11-30')).toBe(new Date(2026, 10, 30).toISOString());
  expect(pastTime('2026-11-30 14:00')).toBe(new Date(2026, 10, 30, 14).toISOString());
});

test.each(['yesterday', '5', '2026-13-01T00:00', '30.11.2026', '12:00'])('%j is no time', (text) => {
  expect(() => pastTime(text)).toThrow('It must be a time such as 2026-11-30T14:00');
});

test('integers have bounds', () => {
  expect(integer(1, 10)('10')).toBe(10);
  expect(integer(-5)('-5')).toBe(-5);
  for (const text of ['0', '11', '1.5', 'x', ''])
    expect(() => integer(1, 10)(text)).toThrow('It must be an integer from 1 to 10.');
});

test('lists are repeated, or separated by commas', () => {
  expect(list('b, c', list('a', undefined))).toEqual(['a', 'b', 'c']);
  expect(states('failed,cancelled', ['queued'])).toEqual(['queued', 'failed', 'cancelled']);
  expect(() => states('fail', undefined)).toThrow('It must be some of scheduled, waiting, queued');
  expect(() => list('a,', undefined)).toThrow('A value is empty');
});

test('a filter has the names of the API, and nothing that was not given', () => {
  expect(toFilter({ parent: 'x', topLevel: true, submittedBy: 'key:ci', state: ['failed'] })).toEqual({
    parent_id: 'x',
    top_level: true,
    submitted_by: 'key:ci',
    state: ['failed'],
  });
});
