import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told } from '../row.ts';

const TEXT = '2026-11-29T10:00:00Z';
const DATE = new Date(TEXT);
const YEAR = { min: new Date('2026-01-01T00:00:00Z'), max: new Date('2027-01-01T00:00:00Z') };

/** What Errand takes for `z.date()`: an RFC 3339 text. */
const rfc3339 = () => z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** Dates travel as RFC 3339 texts; the handler gets a Date. */
export const DATES: Row[] = [
  field('a date', () => z.date(), {
    twin: rfc3339,
    fits: [
      into(TEXT, DATE),
      into('2026-11-29T11:00:00+01:00', DATE),
      into('2026-11-29T10:00:00.000Z', DATE),
      into('1969-12-31T23:59:59.999Z', new Date(-1)),
    ],
    refused: [
      '2026-11-29',
      'nope',
      '',
      0,
      1_764_410_400_000,
      null,
      ABSENT,
      '2026-02-30T00:00:00Z',
      '2026-11-29T10:00:00',
    ],
  }),
  field('a date between two', () => z.date().min(YEAR.min).max(YEAR.max, 'not this year'), {
    twin: () => rfc3339().pipe(z.date().min(YEAR.min).max(YEAR.max)),
    fits: [into(TEXT, DATE), into('2026-01-01T00:00:00Z', YEAR.min)],
    refused: ['2025-12-31T23:59:59Z', told('2027-01-01T00:00:00.001Z', ['', 'not this year']), 'nope'],
  }),
  field(
    'dates that may be missing or null',
    () => z.object({ a: z.date().optional(), b: z.date().nullable() }),
    {
      twin: () => z.strictObject({ a: rfc3339().optional(), b: rfc3339().nullable() }),
      fits: [{ b: null }, into({ a: TEXT, b: TEXT }, { a: DATE, b: DATE })],
      refused: [at({ a: null, b: null }, '/a'), at({ b: 'x' }, '/b'), at({ b: null, c: 1 }, '/c')],
    },
  ),
  field('a date with a default', () => z.date().default(DATE), {
    twin: () => rfc3339().default(DATE),
    fits: [into(ABSENT, DATE), into('2026-01-01T00:00:00Z', YEAR.min)],
    refused: [null, 'x'],
  }),
  field('a date that is caught', () => z.date().catch(DATE), {
    twin: () => rfc3339().catch(DATE),
    fits: [into('x', DATE), into(ABSENT, DATE), into('2026-01-01T00:00:00Z', YEAR.min)],
    refused: [],
  }),
  field(
    'dates in lists, records and tuples',
    () => z.object({ l: z.array(z.date()), r: z.record(z.string(), z.date()), t: z.tuple([z.date()]) }),
    {
      twin: () =>
        z.strictObject({
          l: z.array(rfc3339()),
          r: z.record(z.string(), rfc3339()),
          t: z.tuple([rfc3339()]),
        }),
      fits: [into({ l: [TEXT], r: { a: TEXT }, t: [TEXT] }, { l: [DATE], r: { a: DATE }, t: [DATE] })],
      refused: [at({ l: ['x'], r: { a: 1 }, t: [null] }, '/l/0', '/r/a', '/t/0')],
    },
  ),
  field('a date or a number', () => z.union([z.date(), z.number()]), {
    twin: () => z.union([rfc3339(), z.number()]),
    fits: [into(TEXT, DATE), 5],
    refused: ['x', null],
  }),
  field('a date or else a text', () => z.union([z.date(), z.string()]), {
    twin: () => z.union([rfc3339(), z.string()]),
    fits: [into(TEXT, DATE), 'x'],
    refused: [5],
  }),
  field(
    'dates on both sides of an intersection',
    () => z.object({ a: z.date(), b: z.int() }).and(z.object({ a: z.date(), c: z.int() })),
    {
      twin: () => z.strictObject({ a: rfc3339(), b: z.int(), c: z.int() }),
      fits: [into({ a: TEXT, b: 1, c: 2 }, { a: DATE, b: 1, c: 2 })],
      refused: [at({ a: 'x', b: 1, c: 2 }, '/a'), at({ a: TEXT, b: 1, c: 2, d: 3 }, '/d')],
    },
  ),
  field('a date that is transformed', () => z.date().transform((date) => date.getUTCFullYear()), {
    twin: () => rfc3339().transform((date) => date.getUTCFullYear()),
    fits: [into(TEXT, 2026)],
    refused: ['x', 2026],
  }),
  field('a date that is refined', () => z.date().refine((date) => date.getUTCDay() === 0, 'no Sunday'), {
    twin: () => rfc3339().refine((date) => date.getUTCDay() === 0, 'no Sunday'),
    fits: [into(TEXT, DATE)],
    refused: [told('2026-11-30T10:00:00Z', ['', 'no Sunday']), 'x'],
  }),
  field(
    'a date after a refinement of the whole',
    () => z.object({ from: z.date(), to: z.date() }).refine(({ from, to }) => from <= to, { path: ['to'] }),
    {
      twin: () =>
        z
          .strictObject({ from: rfc3339(), to: rfc3339() })
          .refine(({ from, to }) => from <= to, { path: ['to'] }),
      fits: [into({ from: TEXT, to: TEXT }, { from: DATE, to: DATE })],
      refused: [at({ from: TEXT, to: '2026-01-01T00:00:00Z' }, '/to')],
    },
  ),
  field('a coerced date', () => z.coerce.date(), {
    fits: [
      into(TEXT, DATE),
      into('2026-11-29', new Date('2026-11-29')),
      into(0, new Date(0)),
      into(null, new Date(0)),
      into(true, new Date(1)),
    ],
    refused: ['nope', ABSENT, {}],
  }),
  field('a coerced date from a day on', () => z.coerce.date().min(YEAR.min), {
    fits: [into(TEXT, DATE)],
    refused: ['2025-01-01', 0],
  }),
  field(
    'a date of a codec',
    () =>
      z.codec(z.iso.datetime(), z.date(), {
        decode: (text) => new Date(text),
        encode: (date) => date.toISOString(),
      }),
    {
      fits: [into(TEXT, DATE)],
      refused: ['2026-11-29', 5],
    },
  ),
  field(
    'a date behind a transform',
    () =>
      z
        .number()
        .transform((ms) => new Date(ms))
        .pipe(z.date().min(YEAR.min)),
    {
      fits: [into(DATE.getTime(), DATE)],
      refused: [0, TEXT],
    },
  ),
];
