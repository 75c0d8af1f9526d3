import { z } from 'zod';
import { ABSENT, field, into, type Row, told } from '../row.ts';

/** Numbers, truth values and null. */
export const NUMBERS: Row[] = [
  field('any number', () => z.number(), {
    fits: [0, -1.5, 1e21, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE],
    refused: [ABSENT, '1', null, true, [1]],
  }),
  field('a price', () => z.number().multipleOf(0.01), {
    fits: [4.35, 0.07, 1.15, 19.99, 0, -4.35, 1_000_000.01],
    refused: [4.355, 0.001, '4.35'],
  }),
  field('a step of a tenth', () => z.number().step(0.1), { fits: [0.3, 0.7, 1.1, 2], refused: [0.35, 0.01] }),
  field('a step that is tiny', () => z.number().multipleOf(1e-7), {
    fits: [3e-7, 1e-6, 0.1],
    refused: [1.5e-7],
  }),
  field('a step of five', () => z.number().multipleOf(5), { fits: [0, -5, 1e6], refused: [3, 5.5] }),
  field('from and to', () => z.number().min(0).max(10), { fits: [0, 10, 5.5], refused: [-0.1, 10.1, '5'] }),
  field('above and below', () => z.number().gt(0).lt(10), { fits: [0.1, 9.9], refused: [0, 10, -1] }),
  field('the tighter of two bounds', () => z.number().gt(1).min(3).lt(9).max(9), {
    fits: [3, 8.9],
    refused: [2, 9, 1],
  }),
  field(
    'signs',
    () => z.object({ a: z.number().positive(), b: z.number().nonnegative(), c: z.number().negative() }),
    {
      twin: () =>
        z.strictObject({ a: z.number().positive(), b: z.number().nonnegative(), c: z.number().negative() }),
      fits: [{ a: 1, b: 0, c: -1 }],
      refused: [
        told({ a: 0, b: -1, c: 0 }, ['/a', ''], ['/b', ''], ['/c', '']),
        told({ a: 1, b: 0, c: '-1' }, ['/c', '']),
      ],
    },
  ),
  field('a whole number', () => z.int(), {
    fits: [0, -7, 1.0, 9_007_199_254_740_991],
    refused: [0.5, 1e21, '1', null],
  }),
  field('a whole number, as a check', () => z.number().int().min(1), { fits: [1, 2e3], refused: [0, 1.5] }),
  field('a whole number of 32 bits', () => z.int32(), {
    fits: [-2_147_483_648, 2_147_483_647],
    refused: [2_147_483_648, 0.5],
  }),
  field('a whole number of 32 bits without sign', () => z.uint32(), {
    fits: [0, 4_294_967_295],
    refused: [-1, 4_294_967_296],
  }),
  field('a float of 32 bits', () => z.float32(), { fits: [0.5, 3.4e38], refused: [3.5e38, '1'] }),
  field('a number without bounds, said so', () => z.number().max(Number.POSITIVE_INFINITY).min(-Infinity), {
    fits: [0, 1e300],
    refused: ['0', null],
  }),
  field('a default without end', () => z.number().default(Number.POSITIVE_INFINITY), {
    fits: [1, into(ABSENT, Number.POSITIVE_INFINITY)],
    refused: ['1', null],
  }),
  field('a finite and safe number', () => z.number().finite().safe(), {
    fits: [1, -1],
    refused: [0.5, 1e300, 'x'],
  }),
  field('an own message about a bound', () => z.number().max(5, 'five at most'), {
    fits: [5],
    refused: [told(6, ['', 'five at most'])],
  }),
  field('true or false', () => z.boolean(), { fits: [true, false], refused: [0, 'true', null, ABSENT] }),
  field('null', () => z.null(), { fits: [null], refused: [ABSENT, 0, '', false, 'null'] }),
  field('null or a number', () => z.number().nullable(), { fits: [null, 0], refused: [ABSENT, 'null'] }),
  field('a number, null or nothing', () => z.number().nullish(), {
    fits: [null, 0, ABSENT],
    refused: ['0', false],
  }),
  field('any value', () => z.any(), { fits: [null, 0, 'a', [], { a: [{}] }], refused: [ABSENT] }),
  field('an unknown value', () => z.unknown(), { fits: [null, 0, 'a', [], { a: [{}] }], refused: [ABSENT] }),
  field('an unknown value that may be missing', () => z.unknown().optional(), {
    fits: [null, ABSENT, { __a: 1 }],
    refused: [],
  }),
  field('no value at all', () => z.never().optional(), { fits: [ABSENT], refused: [null, 0, {}] }),
  field('JSON', () => z.json(), {
    fits: [null, 'a', 1.5, false, [], {}, { a: [{ b: null }, [1]] }],
    refused: [ABSENT],
  }),
];
