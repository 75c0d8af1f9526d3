import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inZone, readLocalTime } from '../../../../core/schedules/local_time.ts';
import { anyMoment, anyZone } from './arbitrary_timings.ts';

const utc = (text: string) => new Date(`${text}Z`);

describe('a local time', () => {
  test('that comes once is one instant', () => {
    expect(readLocalTime('2027-06-01T09:30', 'Europe/Berlin')).toEqual({
      text: '2027-06-01T09:30',
      kind: 'once',
      instant: utc('2027-06-01T07:30'),
      second: null,
      gap: null,
    });
    expect(readLocalTime('2027-06-01T09:30:15', 'Asia/Kathmandu')?.instant).toEqual(
      utc('2027-06-01T03:45:15'),
    );
  });

  test.each([
    ['Europe/Berlin', '2027-03-28T02:30', '2027-03-28T01:00', '2027-03-28T02:00', '2027-03-28T03:00'],
    ['Australia/Lord_Howe', '2027-10-03T02:15', '2027-10-02T15:30', '2027-10-03T02:00', '2027-10-03T02:30'],
    ['Africa/Cairo', '2027-04-30T00:30', '2027-04-29T22:00', '2027-04-30T00:00', '2027-04-30T01:00'],
    ['America/Santiago', '2027-09-05T00:00', '2027-09-05T04:00', '2027-09-05T00:00', '2027-09-05T01:00'],
    ['America/Nuuk', '2027-03-27T23:30', '2027-03-28T01:00', '2027-03-27T23:00', '2027-03-28T00:00'],
    ['Pacific/Apia', '2011-12-30T12:00', '2011-12-30T10:00', '2011-12-30T00:00', '2011-12-31T00:00'],
  ])('in %s, %s does not exist', (zone, text, instant, from, to) => {
    expect(readLocalTime(text, zone)).toEqual({
      text,
      kind: 'never',
      instant: utc(instant),
      second: null,
      gap: { from, to },
    });
  });

  test.each([
    ['Europe/Berlin', '2027-10-31T02:30', '2027-10-31T00:30', '2027-10-31T01:30'],
    ['Australia/Lord_Howe', '2027-04-04T01:45', '2027-04-03T14:45', '2027-04-03T15:15'],
    ['Africa/Cairo', '2027-10-28T23:30', '2027-10-28T20:30', '2027-10-28T21:30'],
    ['America/Santiago', '2027-04-03T23:30', '2027-04-04T02:30', '2027-04-04T03:30'],
  ])('in %s, %s comes twice', (zone, text, first, second) => {
    const found = { text, kind: 'twice', instant: utc(first), second: utc(second), gap: null };
    expect(readLocalTime(text, zone)).toEqual(found);
  });

  test('right before and after a change comes once', () => {
    for (const text of ['2027-03-28T01:59:59', '2027-03-28T03:00', '2027-10-31T01:59:59', '2027-10-31T03:00'])
      expect(readLocalTime(text, 'Europe/Berlin')?.kind, text).toBe('once');
  });

  test.each([
    '',
    '2027-06-01',
    '2027-02-30T00:00',
    '2027-13-01T00:00',
    '2027-06-01T24:00',
    '2027-06-01T09:30Z',
    '2027-06-01 09:30',
  ])('%j is none', (text) => expect(readLocalTime(text, 'UTC')).toBeNull());
});

test('an instant in its zone has the offset, and is the same instant', () => {
  expect(inZone(utc('2027-03-28T01:00'), 'Europe/Berlin')).toBe('2027-03-28T03:00:00+02:00');
  expect(inZone(utc('2027-03-28T01:00'), 'UTC')).toBe('2027-03-28T01:00:00+00:00');
  expect(inZone(utc('2027-01-01T00:00'), 'America/St_Johns')).toBe('2026-12-31T20:30:00-03:30');
  fc.assert(
    fc.property(anyMoment, anyZone, (moment, zone) => {
      const text = inZone(moment, zone);
      expect(new Date(text)).toEqual(moment);
      const local = readLocalTime(text.slice(0, 19), zone);
      expect([local?.instant, local?.second]).toContainEqual(moment);
    }),
  );
});
