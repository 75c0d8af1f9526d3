import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timesAfter } from '../../../../core/schedules/times.ts';
import { settingsOf } from './oracle.ts';

const DAY_MS = 86_400_000;

/** A part of a day field: its text, and the dates that it means. */
type Part = { text: string; has: (date: Day) => boolean };

/** A date, with what parts ask about it. */
type Day = { day: number; month: number; weekday: number; last: number; firstWeekday: number };

const NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const dayNumber = fc.integer({ min: 1, max: 31 });
const weekdayNumber = fc.integer({ min: 0, max: 6 });

const dayPart: fc.Arbitrary<Part> = fc.oneof(
  dayNumber.map((n) => ({ text: `${n}`, has: ({ day }: Day) => day === n })),
  fc.tuple(dayNumber, dayNumber, fc.integer({ min: 1, max: 9 })).map(([a, b, step]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    const has = ({ day }: Day) => day >= from && day <= to && (day - from) % step === 0;
    return { text: step === 1 ? `${from}-${to}` : `${from}-${to}/${step}`, has };
  }),
  fc.integer({ min: 2, max: 9 }).map((n) => ({ text: `*/${n}`, has: ({ day }: Day) => (day - 1) % n === 0 })),
  dayNumber.map((n) => ({ text: `${n}W`, has: (date: Day) => date.day === nearestWeekday(date, n) })),
  fc.constant({ text: 'L', has: ({ day, last }: Day) => day === last }),
);

const weekdayPart: fc.Arbitrary<Part> = fc.oneof(
  weekdayNumber.map((n) => ({ text: n === 0 ? '7' : `${n}`, has: ({ weekday }: Day) => weekday === n })),
  weekdayNumber.map((n) => ({ text: NAMES[n] ?? '', has: ({ weekday }: Day) => weekday === n })),
  fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 5 })).map(([from, length]) => {
    const to = Math.min(from + length, 6);
    const has = ({ weekday }: Day) => weekday >= from && weekday <= to;
    return { text: `${NAMES[from]}-${NAMES[to]}`, has };
  }),
  fc.tuple(weekdayNumber, fc.integer({ min: 1, max: 5 })).map(([n, nth]) => ({
    text: `${NAMES[n]}#${nth}`,
    has: ({ weekday, day }: Day) => weekday === n && Math.ceil(day / 7) === nth,
  })),
  weekdayNumber.map((n) => ({
    text: `${n}L`,
    has: ({ weekday, day, last }: Day) => weekday === n && day > last - 7,
  })),
);

const field = (part: fc.Arbitrary<Part>) =>
  fc.option(fc.array(part, { minLength: 1, maxLength: 3 }), { nil: 'star' as const });

test('day of month, month and day of week mean the dates that they say', () => {
  const months = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), {
    nil: 'star' as const,
  });
  fc.assert(
    fc.property(
      field(dayPart),
      months,
      field(weekdayPart),
      fc.boolean(),
      (days, inMonths, weekdays, isBoth) => {
        const and = isBoth && weekdays !== 'star' ? '+' : '';
        const text = `${textOf(days)} ${inMonths === 'star' ? '*' : inMonths.join(',')} ${and}${textOf(weekdays)}`;
        const expected = YEARS.filter((date) => {
          if (inMonths !== 'star' && !inMonths.includes(date.month)) return false;
          const [byDay, byWeekday] = [hasDate(days, date), hasDate(weekdays, date)];
          const isEither = days !== 'star' && weekdays !== 'star' && !isBoth;
          return isEither ? byDay || byWeekday : byDay && byWeekday;
        }).map(({ time }) => time);
        // Few are enough, and croner looks for none of what never comes.
        const count = Math.min(expected.length, 40);
        const found = timesAfter(settingsOf({ cron: `0 0 ${text}` }), new Date(START - 1), count);
        expect(
          found.map((time) => time.getTime()),
          text,
        ).toEqual(expected.slice(0, count));
      },
    ),
    { numRuns: 150 },
  );
});

const START = Date.UTC(2027, 0);
const YEARS = Array.from({ length: 3 * 365 }, (_, index) => dayOf(START + index * DAY_MS));

function dayOf(time: number): Day & { time: number } {
  const date = new Date(time);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    time,
    day: date.getUTCDate(),
    month: month + 1,
    weekday: date.getUTCDay(),
    last: new Date(Date.UTC(year, month + 1, 0)).getUTCDate(),
    firstWeekday: new Date(Date.UTC(year, month)).getUTCDay(),
  };
}

/** The weekday that is nearest to a day, within its month; 0 if the month is too short. */
function nearestWeekday({ last, firstWeekday }: Day, day: number): number {
  if (day > last) return 0;
  const weekday = (firstWeekday + day - 1) % 7;
  if (weekday === 6) return day === 1 ? 3 : day - 1;
  if (weekday === 0) return day === last ? last - 2 : day + 1;
  return day;
}

function hasDate(parts: Part[] | 'star', date: Day): boolean {
  return parts === 'star' || parts.some(({ has }) => has(date));
}

function textOf(parts: Part[] | 'star'): string {
  return parts === 'star' ? '*' : parts.map(({ text }) => text).join(',');
}
