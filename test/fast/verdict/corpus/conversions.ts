import { z } from 'zod';
import { ABSENT, at, field, into, type Row } from '../row.ts';

/** Preprocess and coerce: what is taken is more than the type says. */
export const CONVERSIONS: Row[] = [
  field('preprocess for what is missing', () => z.preprocess((value) => value ?? 1, z.number()), {
    fits: [into(ABSENT, 1), into(null, 1), 2],
    refused: ['x', true],
  }),
  field(
    'preprocess of an object, which is closed',
    () =>
      z.preprocess(
        (value) => (typeof value === 'string' ? JSON.parse(value) : value),
        z.object({ a: z.int() }),
      ),
    {
      twin: () =>
        z.preprocess(
          (value) => (typeof value === 'string' ? JSON.parse(value) : value),
          z.strictObject({ a: z.int() }),
        ),
      fits: [{ a: 1 }, into('{"a":1}', { a: 1 })],
      refused: [at({ a: 1, b: 1 }, '/b'), at('{"a":1,"b":2}', '/b'), at({ a: 'x' }, '/a')],
    },
  ),
  field(
    'preprocess that throws',
    () =>
      z.preprocess(
        (value) =>
          String(value)
            .toUpperCase()
            .at(0)
            ?.repeat(value === 'bad' ? -1 : 1),
        z.string(),
      ),
    {
      fits: [into('abc', 'A'), into(5, '5')],
      refused: ['bad'],
    },
  ),
  field('preprocess in a list', () => z.array(z.preprocess((value) => String(value), z.string().max(2))), {
    fits: [into([1, 'a'], ['1', 'a']), []],
    refused: [at([1, null], '/1')],
  }),
  field('a coerced number', () => z.coerce.number(), {
    fits: [into('5', 5), into('', 0), into(null, 0), into(true, 1), 1.5, into('1e3', 1000), into([], 0)],
    refused: ['x', {}, ABSENT, [1, 2]],
  }),
  field('a coerced whole number with bounds', () => z.coerce.number().int().min(1).max(10), {
    fits: [into('5', 5), 10],
    refused: ['0', '1.5', 11, 'x'],
  }),
  field('a coerced text', () => z.coerce.string().min(2), {
    fits: [into(55, '55'), into(true, 'true'), into(null, 'null'), 'ab'],
    refused: [5, ''],
  }),
  field('a coerced truth', () => z.coerce.boolean(), {
    fits: [into('false', true), into(0, false), into('', false), into(null, false), into([], true), true],
    refused: [ABSENT],
  }),
  field('a coerced bigint', () => z.coerce.bigint(), {
    fits: [into('9007199254740993', 9_007_199_254_740_993n), into(5, 5n), into(true, 1n)],
    refused: ['x', 1.5, null],
  }),
  field(
    'an optional coerced number',
    () => z.object({ n: z.coerce.number().optional(), d: z.coerce.number().default(3) }),
    {
      twin: () => z.strictObject({ n: z.coerce.number().optional(), d: z.coerce.number().default(3) }),
      fits: [into({ n: '1' }, { n: 1, d: 3 }), into({}, { d: 3 }), into({ d: '4' }, { d: 4 })],
      refused: [at({ n: 'x' }, '/n'), at({ n: 1, e: 1 }, '/e')],
    },
  ),
];
