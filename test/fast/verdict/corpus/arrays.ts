import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told } from '../row.ts';

/** Arrays and tuples. */
export const ARRAYS: Row[] = [
  field('a list of texts', () => z.array(z.string()), {
    fits: [[], ['a'], ['a', 'b', '']],
    refused: ['a', null, ABSENT, { 0: 'a' }, at(['a', 1], '/1'), at([1, 'a', null], '/0', '/2')],
  }),
  field('a list of one to three', () => z.array(z.int()).min(1).max(3), {
    fits: [[1], [1, 2, 3]],
    refused: [[], [1, 2, 3, 4], at([1, 'a'], '/1')],
  }),
  field('a list of exactly two', () => z.array(z.boolean()).length(2), {
    fits: [[true, false]],
    refused: [[true], [true, true, true]],
  }),
  field('a list that is not empty', () => z.array(z.string()).nonempty('one at least'), {
    fits: [['a']],
    refused: [told([], ['', 'one at least'])],
  }),
  field('a list of lists', () => z.array(z.array(z.number().nullable())), {
    fits: [[[1, null], []]],
    refused: [at([[1], 2], '/1'), at([[1, 'a']], '/0/1')],
  }),
  field('a list of objects', () => z.array(z.object({ a: z.string() })), {
    twin: () => z.array(z.strictObject({ a: z.string() })),
    fits: [[], [{ a: 'x' }, { a: 'y' }]],
    refused: [
      at([{ a: 'x' }, {}], '/1/a'),
      at([{ a: 'x', b: 1 }], '/0/b'),
      at([{ a: 1 }, 'x'], '/0/a', '/1'),
    ],
  }),
  field('a list with defaults in it', () => z.array(z.object({ a: z.string().default('x') })), {
    twin: () => z.array(z.strictObject({ a: z.string().default('x') })),
    fits: [into([{}, { a: 'y' }], [{ a: 'x' }, { a: 'y' }]), []],
    refused: [at([{ a: null }], '/0/a')],
  }),
  field('a list without an end', () => z.array(z.string()).max(Number.POSITIVE_INFINITY), {
    fits: [[], ['a']],
    refused: ['a', at([1], '/0')],
  }),
  field(
    'a list of different values',
    () => z.array(z.string()).refine((all) => new Set(all).size === all.length),
    {
      fits: [[], ['a', 'b']],
      refused: [['a', 'a'], at(['a', 1], '/1')],
    },
  ),
  field('a pair', () => z.tuple([z.string(), z.number()]), {
    fits: [['a', 1]],
    refused: ['a', null, at(['a', 'b'], '/1'), at([1, 'a'], '/0', '/1'), ['a', 1, 2], ['a']],
  }),
  field('an empty tuple', () => z.tuple([]), { fits: [[]], refused: [[1], null, 'a'] }),
  field('an open tuple', () => z.tuple([z.string()], z.number()), {
    fits: [['a'], ['a', 1, 2]],
    refused: [at(['a', 'b'], '/1'), at([1], '/0'), at(['a', 1, null], '/2'), at([], '/0')],
  }),
  field('an open tuple of anything', () => z.tuple([z.string()], z.unknown()), {
    fits: [['a'], ['a', null, {}]],
    refused: [at([1], '/0'), {}],
  }),
  field('an open tuple without items of its own', () => z.tuple([]).rest(z.string()), {
    fits: [[], ['a', 'b']],
    refused: [at([1], '/0')],
  }),
  field(
    'a tuple with items that may be missing',
    () => z.tuple([z.string(), z.int().optional(), z.int().optional()]),
    {
      fits: [['a'], ['a', 1], ['a', 1, 2]],
      refused: [[], at(['a', 'b'], '/1'), ['a', 1, 2, 3]],
    },
  ),
  field('a tuple with an item that has a default', () => z.tuple([z.string(), z.int().default(7)]), {
    fits: [into(['a'], ['a', 7]), ['a', 1]],
    refused: [at(['a', null], '/1'), []],
  }),
  field('a tuple of objects', () => z.tuple([z.object({ a: z.int() }), z.object({ b: z.int() })]), {
    twin: () => z.tuple([z.strictObject({ a: z.int() }), z.strictObject({ b: z.int() })]),
    fits: [[{ a: 1 }, { b: 2 }]],
    refused: [at([{ b: 1 }, { b: 2 }], '/0/a', '/0/b'), at([{ a: 1 }, { b: 2, c: 3 }], '/1/c')],
  }),
  field('a tuple with a rest of objects', () => z.tuple([z.literal('all')], z.object({ a: z.int() })), {
    twin: () => z.tuple([z.literal('all')], z.strictObject({ a: z.int() })),
    fits: [['all'], ['all', { a: 1 }]],
    refused: [at(['all', { a: 1, b: 2 }], '/1/b'), at(['all', { a: 1 }, 5], '/2')],
  }),
  field('a tuple that is null', () => z.tuple([z.int()]).nullable().default(null), {
    fits: [[1], null, into(ABSENT, null)],
    refused: [[], at(['a'], '/0')],
  }),
];
