import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told, whole } from '../row.ts';

type Make = (shape: z.core.$ZodShape) => z.ZodObject;
const open: Make = (shape) => z.object(shape);
const strict: Make = (shape) => z.strictObject(shape);

const targets = (make: Make) =>
  z.discriminatedUnion('kind', [
    make({ kind: z.literal('email'), address: z.email() }),
    make({ kind: z.literal('post'), street: z.string(), town: z.string() }),
    make({ kind: z.enum(['fax', 'phone']), number: z.string().regex(/^\d+$/) }),
  ]);

const shapes = (make: Make) =>
  z.union([
    make({ type: z.literal('circle'), radius: z.number() }),
    make({ type: z.literal('square'), side: z.number() }),
  ]);

const overlapping = (make: Make) =>
  z.union([
    make({ a: z.int() }),
    make({ a: z.int(), b: z.int() }),
    make({ a: z.int(), b: z.int(), c: z.int() }),
  ]);

const nested = (make: Make) =>
  z.discriminatedUnion('type', [
    make({ type: z.literal('ok'), value: z.int() }),
    z.discriminatedUnion('code', [
      make({ type: z.literal('failed'), code: z.literal(400), why: z.string() }),
      make({ type: z.literal('failed'), code: z.literal(500), trace: z.string() }),
    ]),
  ]);

/** Unions: which branch a value takes, and which was meant when it fits none. */
export const UNIONS: Row[] = [
  field('a text or a number', () => z.union([z.string(), z.number()]), {
    fits: ['a', 1],
    refused: [true, null, [], ABSENT],
  }),
  field('a number or a list of them', () => z.number().or(z.array(z.number())), {
    fits: [1, [1, 2], []],
    refused: ['a', at([1, 'a'], '/1'), null],
  }),
  field(
    'the first branch that fits',
    () => z.union([z.string().transform((text) => text.length), z.string()]),
    {
      fits: [into('abc', 3), into('', 0)],
      refused: [5, null],
    },
  ),
  field('bounds that leave a hole', () => z.union([z.number().max(0), z.number().min(10)]), {
    fits: [0, 10, -5],
    refused: [5, '5'],
  }),
  field('a union of one', () => z.union([z.string().min(2)]), { fits: ['ab'], refused: ['a', 1] }),
  field('exactly one of two', () => z.xor([z.object({ a: z.int() }), z.object({ b: z.int() })]), {
    twin: () => z.xor([z.strictObject({ a: z.int() }), z.strictObject({ b: z.int() })]),
    fits: [{ a: 1 }, { b: 1 }],
    refused: [at({ a: 1, b: 'x' }, '/b'), at({ a: 'x' }, '/a')],
  }),
  field('a discriminated union', () => targets(open), {
    twin: () => targets(strict),
    fits: [
      { kind: 'email', address: 'a@b.co' },
      { kind: 'post', street: 'a', town: 'b' },
      { kind: 'fax', number: '1' },
      { kind: 'phone', number: '2' },
    ],
    refused: [
      at({ kind: 'email', address: 'nope' }, '/address'),
      at({ kind: 'post', street: 1, zip: 2 }, '/street', '/town', '/zip'),
      at({ kind: 'fax', number: 'x', address: 'a@b.co' }, '/number', '/address'),
      at({ kind: 'letter' }, '/kind'),
      at({ address: 'a@b.co' }, '/kind'),
      'email',
      null,
    ],
  }),
  whole('a discriminated union at the top', () => targets(open), {
    twin: () => targets(strict),
    fits: [
      { kind: 'email', address: 'a@b.co' },
      { kind: 'post', street: 'a', town: 'b' },
    ],
    refused: [
      at({ kind: 'email', address: 'nope' }, '/address'),
      at({ kind: 'email', address: 'a@b.co', street: 'a' }, '/street'),
      at({}, '/kind'),
    ],
  }),
  field(
    'an own message in a branch',
    () =>
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('a'), n: z.int('a whole one') }),
        z.strictObject({ kind: z.literal('b'), n: z.string() }),
      ]),
    {
      fits: [
        { kind: 'a', n: 1 },
        { kind: 'b', n: '1' },
      ],
      refused: [told({ kind: 'a', n: 'x' }, ['/n', 'a whole one'])],
    },
  ),
  field('a discriminated union in another', () => nested(open), {
    twin: () => nested(strict),
    fits: [
      { type: 'ok', value: 1 },
      { type: 'failed', code: 400, why: 'x' },
      { type: 'failed', code: 500, trace: 'x' },
    ],
    refused: [
      at({ type: 'failed', code: 400, trace: 'x' }, '/why', '/trace'),
      at({ type: 'failed', code: 404 }, '/code'),
      at({ type: 'ok', value: 'x' }, '/value'),
    ],
  }),
  field('a union with a literal field', () => shapes(open), {
    twin: () => shapes(strict),
    fits: [
      { type: 'circle', radius: 1 },
      { type: 'square', side: 1 },
    ],
    refused: [
      at({ type: 'square', side: 'x' }, '/side'),
      at({ type: 'circle', side: 1 }, '/radius', '/side'),
    ],
  }),
  whole('a union at the top', () => shapes(open), {
    twin: () => shapes(strict),
    fits: [
      { type: 'circle', radius: 1 },
      { type: 'square', side: 1 },
    ],
    refused: [
      at({ type: 'square', side: 'x' }, '/side'),
      at({ type: 'square', side: 1, radius: 1 }, '/radius'),
    ],
  }),
  field('branches that overlap: the one that knows all of it', () => overlapping(open), {
    twin: () => overlapping(strict),
    fits: [{ a: 1 }, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }],
    refused: [at({ a: 1, b: 2, c: 'x' }, '/c'), at({ a: 1, b: 2, c: 3, d: 4 }, '/d'), at({ b: 1 }, '/a')],
  }),
  field('an object or null or a text', () => z.union([z.object({ a: z.int() }), z.null(), z.string()]), {
    twin: () => z.union([z.strictObject({ a: z.int() }), z.null(), z.string()]),
    fits: [{ a: 1 }, null, 'x'],
    refused: [at({ a: 'x' }, '/a'), at({ a: 1, b: 1 }, '/b'), 5],
  }),
  field(
    'a closed branch beside a loose one',
    () => z.union([z.object({ a: z.int() }), z.looseObject({ b: z.int() })]),
    {
      twin: () => z.union([z.strictObject({ a: z.int() }), z.looseObject({ b: z.int() })]),
      fits: [{ a: 1 }, { b: 1, c: 2 }, { a: 1, b: 2 }],
      refused: [at({ a: 1, c: 2 }, '/c'), at({ b: 'x' }, '/b')],
    },
  ),
  field(
    'branches with defaults',
    () => z.union([z.object({ a: z.int().default(1) }), z.object({ b: z.int().default(2) })]),
    {
      twin: () =>
        z.union([z.strictObject({ a: z.int().default(1) }), z.strictObject({ b: z.int().default(2) })]),
      fits: [into({}, { a: 1 }), { a: 5 }, { b: 5 }],
      refused: [at({ a: 'x' }, '/a'), 5],
    },
  ),
  field('a list of a union', () => z.array(targets(open)), {
    twin: () => z.array(targets(strict)),
    fits: [
      [],
      [
        { kind: 'fax', number: '1' },
        { kind: 'email', address: 'a@b.co' },
      ],
    ],
    refused: [
      at(
        [
          { kind: 'fax', number: '1' },
          { kind: 'email', address: 'x' },
        ],
        '/1/address',
      ),
      at([{ kind: 'x' }], '/0/kind'),
    ],
  }),
  field('a union in an optional, nullable default', () => targets(open).nullable().default(null), {
    twin: () => targets(strict).nullable().default(null),
    fits: [into(ABSENT, null), null, { kind: 'fax', number: '1' }],
    refused: [at({ kind: 'fax', number: 'x' }, '/number')],
  }),
  field(
    'a union by a discriminator of another type',
    () =>
      z.discriminatedUnion('v', [
        z.strictObject({ v: z.literal(1), a: z.int() }),
        z.strictObject({ v: z.literal(null), b: z.int() }),
        z.strictObject({ v: z.literal(true), c: z.int() }),
      ]),
    {
      fits: [
        { v: 1, a: 1 },
        { v: null, b: 1 },
        { v: true, c: 1 },
      ],
      refused: [at({ v: true, c: 'x' }, '/c'), at({ v: false }, '/v'), at({ v: null }, '/b')],
    },
  ),
];
