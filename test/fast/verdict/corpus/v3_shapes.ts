import { z } from 'zod/v3';
import { ABSENT, at, field, into, type Row, whole } from '../row.ts';

const base = { a: z.string(), b: z.number().int().optional() };

const tree = (isStrict: boolean) => {
  const node: z.ZodTypeAny = z.lazy(() => {
    const one = z.object({ name: z.string(), children: z.array(node) });
    return isStrict ? one.strict() : one;
  });
  return node;
};

const kinds = (isStrict: boolean) => {
  const one = z.object({ kind: z.literal('email'), address: z.string().email() });
  const other = z.object({ kind: z.literal('post'), street: z.string() });
  return z.discriminatedUnion('kind', isStrict ? [one.strict(), other.strict()] : [one, other]);
};

/** Shapes of `zod/v3`. */
export const V3_SHAPES: Row[] = [
  whole('v3: an object', () => z.object(base), {
    twin: () => z.object(base).strict(),
    fits: [{ a: 'x' }, { a: 'x', b: 1 }],
    refused: [at({}, '/a'), at({ a: 'x', c: 1 }, '/c'), at({ a: 1, b: 0.5 }, '/a', '/b'), null, 'x'],
  }),
  field('v3: objects in objects and lists', () => z.object({ l: z.array(z.object(base)) }), {
    twin: () => z.object({ l: z.array(z.object(base).strict()) }).strict(),
    fits: [{ l: [{ a: 'x' }] }],
    refused: [at({ l: [{ a: 'x', c: 1 }] }, '/l/0/c'), at({ l: [{}], m: 1 }, '/l/0/a', '/m')],
  }),
  field(
    'v3: passthrough and catchall',
    () => z.object({ p: z.object(base).passthrough(), c: z.object({}).catchall(z.number()) }),
    {
      twin: () =>
        z.object({ p: z.object(base).passthrough(), c: z.object({}).catchall(z.number()) }).strict(),
      fits: [{ p: { a: 'x', z: 1 }, c: { y: 2 } }],
      refused: [at({ p: { a: 'x' }, c: { y: 'x' } }, '/c/y'), at({ p: { a: 'x' }, c: {}, d: 1 }, '/d')],
    },
  ),
  field(
    'v3: nullable, default, catch',
    () => z.object({ n: z.string().nullable(), d: z.string().default('d'), c: z.string().catch('c') }),
    {
      twin: () =>
        z.object({ n: z.string().nullable(), d: z.string().default('d'), c: z.string().catch('c') }).strict(),
      fits: [
        into({ n: null }, { n: null, d: 'd', c: 'c' }),
        into({ n: 'x', c: 5 }, { n: 'x', d: 'd', c: 'c' }),
      ],
      refused: [at({}, '/n'), at({ n: 'x', d: null }, '/d')],
    },
  ),
  field('v3: a default object', () => z.object({ list: z.array(z.number()) }).default({ list: [] }), {
    twin: () =>
      z
        .object({ list: z.array(z.number()) })
        .strict()
        .default({ list: [] }),
    fits: [into(ABSENT, { list: [] }), { list: [1] }],
    refused: [at({ list: [], a: 1 }, '/a'), null],
  }),
  field(
    'v3: tuples',
    () => z.object({ p: z.tuple([z.string(), z.number()]), r: z.tuple([z.string()]).rest(z.number()) }),
    {
      twin: () =>
        z
          .object({ p: z.tuple([z.string(), z.number()]), r: z.tuple([z.string()]).rest(z.number()) })
          .strict(),
      fits: [
        { p: ['a', 1], r: ['a'] },
        { p: ['a', 1], r: ['a', 1, 2] },
      ],
      refused: [at({ p: ['a', 'b'], r: ['a'] }, '/p/1'), at({ p: ['a', 1, 2], r: ['a', 'b'] }, '/p', '/r/1')],
    },
  ),
  field('v3: an empty tuple', () => z.tuple([]), { fits: [[]], refused: [[1], null] }),
  field('v3: lists with bounds', () => z.array(z.string()).min(1).max(2), {
    fits: [['a']],
    refused: [[], ['a', 'b', 'c'], at([1], '/0')],
  }),
  field(
    'v3: records',
    () =>
      z.object({
        r: z.record(z.number()),
        k: z.record(z.string().min(2), z.number()),
        e: z.record(z.enum(['a', 'b']), z.number()),
      }),
    {
      twin: () =>
        z
          .object({
            r: z.record(z.number()),
            k: z.record(z.string().min(2), z.number()),
            e: z.record(z.enum(['a', 'b']), z.number()),
          })
          .strict(),
      fits: [
        { r: { a: 1 }, k: { ab: 1 }, e: { a: 1 } },
        { r: {}, k: {}, e: {} },
      ],
      refused: [at({ r: { a: 'x' }, k: { a: 1 }, e: { c: 1 } }, '/r/a', '/k/a', '/e/c')],
    },
  ),
  field(
    'v3: keys with rules',
    () =>
      z.tuple([
        z.record(z.string().regex(/^\d-\d$/i), z.number()),
        z.record(z.string().trim().min(1), z.number()),
        z.record(z.string().email().brand<'Address'>(), z.number()),
      ]),
    {
      fits: [[{ '1-2': 1 }, { a: 1 }, { 'a@b.co': 1 }], into([{}, { ' a ': 1 }, {}], [{}, { a: 1 }, {}])],
      refused: [
        at([{ 12: 1 }, { ' ': 1 }, { a: 1 }], '/0/12', '/1/ ', '/2/a'),
        at([{ '1-2': 'x' }, {}, {}], '/0/1-2'),
      ],
    },
  ),
  field(
    'v3: a union',
    () => z.union([z.object({ a: z.number() }), z.object({ a: z.number(), b: z.number() }), z.string()]),
    {
      twin: () =>
        z.union([
          z.object({ a: z.number() }).strict(),
          z.object({ a: z.number(), b: z.number() }).strict(),
          z.string(),
        ]),
      fits: [{ a: 1 }, { a: 1, b: 2 }, 'x'],
      refused: [at({ a: 1, b: 'x' }, '/b'), 5],
    },
  ),
  field('v3: a discriminated union', () => kinds(false), {
    twin: () => kinds(true),
    fits: [
      { kind: 'email', address: 'a@b.co' },
      { kind: 'post', street: 'x' },
    ],
    refused: [
      at({ kind: 'email', address: 'nope' }, '/address'),
      at({ kind: 'x' }, '/kind'),
      at({ kind: 'post', street: 'x', y: 1 }, '/y'),
    ],
  }),
  whole('v3: a discriminated union at the top', () => kinds(false), {
    twin: () => kinds(true),
    fits: [{ kind: 'email', address: 'a@b.co' }],
    refused: [
      at({ kind: 'email', address: 'nope' }, '/address'),
      at({ kind: 'post', street: 'x', y: 1 }, '/y'),
    ],
  }),
  field(
    'v3: an intersection',
    () =>
      z
        .object({ a: z.string() })
        .describe('who')
        .and(z.object({ b: z.number() }).readonly()),
    {
      twin: () => z.object({ a: z.string(), b: z.number() }).strict(),
      fits: [{ a: 'x', b: 1 }],
      refused: [at({ a: 'x' }, '/b'), at({ a: 'x', b: 1, c: 1 }, '/c')],
    },
  ),
  field('v3: an intersection with a record', () => z.object({ a: z.string() }).and(z.record(z.string())), {
    twin: () => z.object({ a: z.string() }).catchall(z.string()),
    fits: [{ a: 'x', b: 'y' }],
    refused: [at({ a: 'x', b: 1 }, '/b')],
  }),
  field('v3: a tree', () => tree(false), {
    twin: () => tree(true),
    fits: [{ name: 'a', children: [{ name: 'b', children: [] }] }],
    refused: [
      at({ name: 'a', children: [{ name: 1, children: [] }] }, '/children/0/name'),
      at({ name: 'a', children: [], x: 1 }, '/x'),
    ],
  }),
  field(
    'v3: branded, described, read only',
    () => z.object({ a: z.string().brand<'Id'>() }).describe('x').readonly(),
    {
      twin: () => z.object({ a: z.string() }).strict(),
      fits: [{ a: 'x' }],
      refused: [at({ a: 'x', b: 1 }, '/b')],
    },
  ),
  field(
    'v3: partial, picked, merged',
    () =>
      z
        .object(base)
        .merge(z.object({ c: z.boolean() }))
        .partial()
        .pick({ a: true, c: true }),
    {
      twin: () => z.object({ a: z.string().optional(), c: z.boolean().optional() }).strict(),
      fits: [{}, { a: 'x', c: true }],
      refused: [at({ b: 1 }, '/b'), at({ a: null }, '/a')],
    },
  ),
];
