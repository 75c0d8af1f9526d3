import { z } from 'zod/v3';
import { at, field, type Row, whole } from '../row.ts';

const a = () => z.object({ a: z.string() });
const b = () => z.object({ b: z.number() });
const both = () => z.object({ a: z.string(), b: z.number() }).strict();

const tree = () => {
  const one: z.ZodTypeAny = z.lazy(() => a().extend({ children: z.array(one).optional() }));
  const other: z.ZodTypeAny = z.lazy(() => b().extend({ children: z.array(other).optional() }));
  return one.and(other);
};

const treeOfBoth = () => {
  const one: z.ZodTypeAny = z.lazy(() => both().extend({ children: z.array(one).optional() }));
  return one;
};

/** Intersections of `zod/v3`: a property is unknown only if no side knows it, also inside of both. */
export const V3_INTERSECTIONS: Row[] = [
  field('v3: objects inside of both', () => z.object({ o: a() }).and(z.object({ o: b() })), {
    twin: () => z.object({ o: both() }).strict(),
    fits: [{ o: { a: 'x', b: 1 } }],
    refused: [
      at({ o: { a: 'x', b: 1, c: 1 } }, '/o/c'),
      at({ o: { a: 'x' } }, '/o/b'),
      at({ o: { a: 'x', b: 1 }, p: 1 }, '/p'),
    ],
  }),
  whole(
    'v3: objects inside of three',
    () =>
      z
        .object({ o: a() })
        .and(z.object({ o: b() }))
        .and(a()),
    {
      twin: () => z.object({ o: both(), a: z.string() }).strict(),
      fits: [{ o: { a: 'x', b: 1 }, a: 'x' }],
      refused: [
        at({ o: { a: 'x', b: 1, c: 1 }, a: 'x' }, '/o/c'),
        at({ o: { a: 'x', b: 1 }, a: 'x', b: 1 }, '/b'),
      ],
    },
  ),
  field('v3: with a union', () => a().and(z.union([b(), z.object({ c: z.number() })])), {
    twin: () => z.union([both(), z.object({ a: z.string(), c: z.number() }).strict()]),
    fits: [
      { a: 'x', b: 1 },
      { a: 'x', c: 1 },
    ],
    refused: [
      at({ a: 'x', b: 1, c: 'no' }, '/c'),
      at({ a: 'x', b: 1, c: 1 }, '/c'),
      at({ a: 'x', c: 1, d: 1 }, '/d'),
    ],
  }),
  field('v3: lists inside of both', () => z.object({ l: z.array(a()) }).and(z.object({ l: z.array(b()) })), {
    twin: () => z.object({ l: z.array(both()) }).strict(),
    fits: [{ l: [{ a: 'x', b: 1 }] }, { l: [] }],
    refused: [at({ l: [{ a: 'x', b: 1, c: 1 }] }, '/l/0/c'), at({ l: [{ a: 'x' }] }, '/l/0/b')],
  }),
  field('v3: two trees', tree, {
    twin: treeOfBoth,
    fits: [{ a: 'x', b: 1, children: [{ a: 'y', b: 2 }] }],
    refused: [
      at({ a: 'x', b: 1, children: [{ a: 'y', b: 2, c: 1 }] }, '/children/0/c'),
      at({ a: 'x', b: 1, children: [{ a: 'y' }] }, '/children/0/b'),
    ],
  }),
];
