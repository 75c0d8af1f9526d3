import { z } from 'zod/v3';
import { ABSENT, at, field, into, type Row } from '../row.ts';

/** Transforms, refinements and conversions of `zod/v3`. */
export const V3_EFFECTS: Row[] = [
  field('v3: a transform', () => z.object({ a: z.string() }).transform(({ a }) => a.length), {
    twin: () =>
      z
        .object({ a: z.string() })
        .strict()
        .transform(({ a }) => a.length),
    fits: [into({ a: 'abc' }, 3)],
    refused: [at({ a: 'x', b: 1 }, '/b'), at({}, '/a')],
  }),
  field('v3: a transform that throws', () => z.array(z.string().transform((text) => BigInt(text))), {
    twin: () =>
      z.array(
        z
          .string()
          .regex(/^\d+$/)
          .transform((text) => BigInt(text)),
      ),
    fits: [into(['1'], [1n])],
    refused: [at(['1', 'abc'], '/1'), at([5], '/0')],
  }),
  field(
    'v3: refinements',
    () =>
      z
        .object({ a: z.number(), b: z.number() })
        .refine(({ a, b }) => a < b, { path: ['b'], message: 'too small' }),
    {
      twin: () =>
        z
          .object({ a: z.number(), b: z.number() })
          .strict()
          .refine(({ a, b }) => a < b, { path: ['b'] }),
      fits: [{ a: 1, b: 2 }],
      refused: [at({ a: 2, b: 1 }, '/b'), at({ a: 1, b: 2, c: 3 }, '/c')],
    },
  ),
  field(
    'v3: a refinement that waits, and one that throws',
    () =>
      z.object({
        w: z.string().refine(async (text) => text === 'good', 'is not good'),
        t: z.string().refine((text) => {
          if (text === 'bad') throw new Error('away');
          return true;
        }),
      }),
    {
      twin: () => z.object({ w: z.literal('good'), t: z.string().refine((text) => text !== 'bad') }).strict(),
      fits: [{ w: 'good', t: 'x' }],
      refused: [
        at({ w: 'bad', t: 'x' }, '/w'),
        at({ w: 'good', t: 'bad' }, '/t'),
        at({ w: 'bad', t: 'bad' }, '/t', '/w'),
      ],
    },
  ),
  field('v3: preprocess', () => z.preprocess((value) => value ?? { a: 1 }, z.object({ a: z.number() })), {
    twin: () => z.preprocess((value) => value ?? { a: 1 }, z.object({ a: z.number() }).strict()),
    fits: [into(ABSENT, { a: 1 }), into(null, { a: 1 }), { a: 2 }],
    refused: [at({ a: 'x' }, '/a'), at({ a: 1, b: 1 }, '/b')],
  }),
  field('v3: a pipe', () => z.string().transform(Number).pipe(z.number().min(1)), {
    fits: [into('5', 5)],
    refused: ['0', 'x', 5],
  }),
];
