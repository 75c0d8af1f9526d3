import { z } from 'zod';
import { at, field, into, type Row, whole } from '../row.ts';

const a = () => z.object({ a: z.string() });
const b = () => z.object({ b: z.int() });
const both = () => z.strictObject({ a: z.string(), b: z.int() });

/** What is true of each intersection of A and B, however it is written. */
const VALUES = {
  twin: both,
  fits: [{ a: 'x', b: 1 }],
  refused: [
    at({ a: 'x' }, '/b'),
    at({ b: 1 }, '/a'),
    at({ a: 'x', b: 1, c: 1 }, '/c'),
    at({ a: 1, b: 'x' }, '/a', '/b'),
    null,
  ],
};

/** Intersections: a property is unknown only if no side knows it. */
export const INTERSECTIONS: Row[] = [
  field('A and B', () => a().and(b()), VALUES),
  whole('A and B at the top', () => a().and(b()), VALUES),
  field('A described', () => a().describe('who').and(b()), VALUES),
  field('B with a title', () => a().and(b().meta({ title: 'B' })), VALUES),
  field('A read only', () => a().readonly().and(b()), VALUES),
  field(
    'both described and the whole too',
    () => a().describe('1').and(b().describe('2')).describe('3'),
    VALUES,
  ),
  field('both strict', () => z.strictObject({ a: z.string() }).and(z.strictObject({ b: z.int() })), VALUES),
  field('A lazy', () => z.lazy(() => a()).and(b()), VALUES),
  field(
    'three of them',
    () =>
      a()
        .and(b())
        .and(z.object({ c: z.int().optional() })),
    {
      twin: () => z.strictObject({ a: z.string(), b: z.int(), c: z.int().optional() }),
      fits: [
        { a: 'x', b: 1 },
        { a: 'x', b: 1, c: 2 },
      ],
      refused: [at({ a: 'x', b: 1, d: 1 }, '/d'), at({ a: 'x', b: 1, c: 'x' }, '/c')],
    },
  ),
  field(
    'a property of both',
    () => z.object({ a: z.string().min(2) }).and(z.object({ a: z.string().max(3) })),
    {
      twin: () => z.strictObject({ a: z.string().min(2).max(3) }),
      fits: [{ a: 'ab' }, { a: 'abc' }],
      refused: [at({ a: 'a' }, '/a'), at({ a: 'abcd' }, '/a'), at({ a: 'ab', b: 1 }, '/b')],
    },
  ),
  field('with a record', () => a().and(z.record(z.string(), z.string())), {
    twin: () => z.object({ a: z.string() }).catchall(z.string()),
    fits: [{ a: 'x' }, { a: 'x', b: 'y' }],
    refused: [at({ a: 'x', b: 1 }, '/b'), at({ b: 'y' }, '/a')],
  }),
  field('with a loose object', () => a().and(z.looseObject({ b: z.int() })), {
    twin: () => z.looseObject({ a: z.string(), b: z.int() }),
    fits: [
      { a: 'x', b: 1 },
      { a: 'x', b: 1, c: 1 },
    ],
    refused: [at({ a: 'x', c: 1 }, '/b')],
  }),
  field('with a union', () => a().and(z.union([z.object({ b: z.int() }), z.object({ c: z.int() })])), {
    twin: () => z.union([both(), z.strictObject({ a: z.string(), c: z.int() })]),
    fits: [
      { a: 'x', b: 1 },
      { a: 'x', c: 1 },
    ],
    refused: [
      at({ a: 'x', b: 'x' }, '/b'),
      at({ a: 'x', c: 1, d: 1 }, '/d'),
      at({ a: 'x', b: 1, c: 'no' }, '/c'),
    ],
  }),
  field(
    'with a discriminated union',
    () =>
      a().and(
        z.discriminatedUnion('k', [
          z.object({ k: z.literal(1), b: z.int() }),
          z.object({ k: z.literal(2), c: z.int() }),
        ]),
      ),
    {
      twin: () =>
        z.discriminatedUnion('k', [
          z.strictObject({ a: z.string(), k: z.literal(1), b: z.int() }),
          z.strictObject({ a: z.string(), k: z.literal(2), c: z.int() }),
        ]),
      fits: [
        { a: 'x', k: 1, b: 1 },
        { a: 'x', k: 2, c: 1 },
      ],
      refused: [
        at({ a: 'x', k: 1, b: 'x' }, '/b'),
        at({ a: 'x', k: 3 }, '/k'),
        at({ a: 'x', k: 2, c: 1, d: 1 }, '/d'),
      ],
    },
  ),
  field('objects inside of both', () => z.object({ o: a() }).and(z.object({ o: b() })), {
    twin: () => z.strictObject({ o: both() }),
    fits: [{ o: { a: 'x', b: 1 } }],
    refused: [at({ o: { a: 'x', b: 1, c: 1 } }, '/o/c'), at({ o: { a: 'x' } }, '/o/b')],
  }),
  field(
    'objects inside of both, described',
    () =>
      z
        .object({ o: a() })
        .describe('1')
        .and(z.object({ o: b() }).meta({ title: '2' })),
    {
      twin: () => z.strictObject({ o: both() }),
      fits: [{ o: { a: 'x', b: 1 } }],
      refused: [at({ o: { a: 'x', b: 1, c: 1 } }, '/o/c'), at({ o: { a: 'x' }, p: 1 }, '/o/b', '/p')],
    },
  ),
  field('lists of objects in both', () => z.object({ l: z.array(a()) }).and(z.object({ l: z.array(b()) })), {
    twin: () => z.strictObject({ l: z.array(both()) }),
    fits: [{ l: [{ a: 'x', b: 1 }] }, { l: [] }],
    refused: [at({ l: [{ a: 'x', b: 1, c: 1 }] }, '/l/0/c'), at({ l: [{ a: 'x' }] }, '/l/0/b')],
  }),
  field(
    'a closed object in one, any object in the other',
    () => z.object({ o: a() }).and(z.object({ o: z.looseObject({}) })),
    {
      twin: () => z.strictObject({ o: z.looseObject({ a: z.string() }) }),
      fits: [{ o: { a: 'x', b: 1 } }],
      refused: [at({ o: { b: 1 } }, '/o/a'), at({ o: { a: 'x' }, p: 1 }, '/p')],
    },
  ),
  field(
    'with a union of branches that overlap',
    () => a().and(z.union([b(), b().extend({ c: z.int().optional() })])),
    {
      twin: () => both().extend({ c: z.int().optional() }),
      fits: [
        { a: 'x', b: 1 },
        { a: 'x', b: 1, c: 2 },
      ],
      refused: [at({ a: 'x', b: 1, d: 1 }, '/d'), at({ a: 'x' }, '/b')],
    },
  ),
  field(
    'with a union, of whose branches only one is meant',
    () => a().and(z.union([b(), z.object({ c: z.int() })])),
    {
      twin: () => z.union([both(), z.strictObject({ a: z.string(), c: z.int() })]),
      fits: [{ a: 'x', b: 1 }],
      refused: [at({ a: 'x', b: 1, c: 1 }, '/c')],
    },
  ),
  field(
    'of trees',
    () => {
      const node: z.ZodObject = z.object({
        v: z.int(),
        get kids() {
          return z.array(node).optional();
        },
      });
      return node.and(z.object({ name: z.string() }));
    },
    {
      twin: () => {
        const node: z.ZodObject = z.strictObject({
          v: z.int(),
          get kids() {
            return z.array(node).optional();
          },
        });
        return node.extend({ name: z.string() });
      },
      fits: [{ v: 1, name: 'x', kids: [{ v: 2, kids: [{ v: 3 }] }] }],
      refused: [
        at({ v: 1, name: 'x', kids: [{ v: 2, name: 'y' }] }, '/kids/0/name'),
        at({ v: 1, name: 'x', w: 1 }, '/w'),
      ],
    },
  ),
  field('objects inside of one', () => z.object({ o: a() }).and(b()), {
    twin: () => z.strictObject({ o: z.strictObject({ a: z.string() }), b: z.int() }),
    fits: [{ o: { a: 'x' }, b: 1 }],
    refused: [at({ o: { a: 'x', c: 1 }, b: 1 }, '/o/c'), at({ o: { a: 'x', b: 1 }, b: 1 }, '/o/b')],
  }),
  field('a default in one of them', () => z.object({ a: z.string().default('d') }).and(b()), {
    twin: () => z.strictObject({ a: z.string().default('d'), b: z.int() }),
    fits: [into({ b: 1 }, { a: 'd', b: 1 })],
    refused: [at({}, '/b'), at({ b: 1, c: 1 }, '/c')],
  }),
  field('in a list', () => z.array(a().describe('1').and(b())), {
    twin: () => z.array(both()),
    fits: [[{ a: 'x', b: 1 }], []],
    refused: [at([{ a: 'x', b: 1, c: 1 }], '/0/c'), at([{ a: 'x' }], '/0/b')],
  }),
  field('of texts', () => z.string().min(2).and(z.string().max(3)), {
    fits: ['ab', 'abc'],
    refused: ['a', 'abcd', 5],
  }),
  field('optional', () => a().and(b()).optional(), { ...VALUES, twin: () => both().optional() }),
  field(
    'with a refinement behind',
    () =>
      a()
        .and(b())
        .refine(({ b }) => b > 0, { path: ['b'] }),
    {
      twin: () => both().refine(({ b }) => b > 0, { path: ['b'] }),
      fits: [{ a: 'x', b: 1 }],
      refused: [at({ a: 'x', b: 0 }, '/b'), at({ a: 'x', b: 1, c: 1 }, '/c')],
    },
  ),
];
