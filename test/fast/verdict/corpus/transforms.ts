import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told, whole } from '../row.ts';

/** Transforms, pipes and codecs: what Zod makes of a value is its own business. */
export const TRANSFORMS: Row[] = [
  field('a transform', () => z.string().transform((text) => text.length), {
    fits: [into('abc', 3), into('', 0)],
    refused: [3, null, ABSENT],
  }),
  field('a transform of an object', () => z.object({ a: z.int() }).transform(({ a }) => ({ b: a, c: [a] })), {
    twin: () => z.strictObject({ a: z.int() }).transform(({ a }) => ({ b: a, c: [a] })),
    fits: [into({ a: 1 }, { b: 1, c: [1] })],
    refused: [at({ a: 1, b: 1 }, '/b'), at({}, '/a')],
  }),
  whole('a transform of the whole payload', () => z.object({ a: z.int() }).transform(({ a }) => [a]), {
    twin: () => z.strictObject({ a: z.int() }).transform(({ a }) => [a]),
    fits: [into({ a: 1 }, [1])],
    refused: [at({ a: 1, b: 1 }, '/b'), at({ a: 'x' }, '/a')],
  }),
  field('a transform that waits', () => z.string().transform(async (text) => text.toUpperCase()), {
    fits: [into('a', 'A')],
    refused: [5],
  }),
  field(
    'a transform that gives what JSON has not',
    () =>
      z
        .string()
        .regex(/^\d+$/)
        .transform((text) => BigInt(text)),
    {
      fits: [into('9007199254740993', 9_007_199_254_740_993n)],
      refused: ['x', 5],
    },
  ),
  field('a list that becomes a set', () => z.array(z.string()).transform((all) => new Set(all)), {
    fits: [into(['a', 'a'], new Set(['a'])), into([], new Set())],
    refused: [at([1], '/0')],
  }),
  field(
    'an object that becomes a map',
    () =>
      z
        .record(z.string(), z.int())
        .transform((all) => new Map(Object.entries(all)))
        .pipe(z.map(z.string(), z.int())),
    {
      fits: [into({ a: 1 }, new Map([['a', 1]]))],
      refused: [at({ a: 'x' }, '/a')],
    },
  ),
  field('a transform that throws', () => z.string().transform((text) => BigInt(text)), {
    fits: [into('7', 7n)],
    refused: ['abc', 5],
  }),
  field(
    'a transform that throws in a list',
    () => z.array(z.object({ n: z.string().transform((text) => BigInt(text)) })),
    {
      twin: () =>
        z.array(
          z.strictObject({
            n: z
              .string()
              .regex(/^\d+$/)
              .transform((text) => BigInt(text)),
          }),
        ),
      fits: [into([{ n: '1' }], [{ n: 1n }])],
      refused: [at([{ n: '1' }, { n: 'x' }], '/1/n'), at([{ n: '1', m: 1 }], '/0/m')],
    },
  ),
  field(
    'a transform that rejects',
    () =>
      z.string().transform(async (text) => {
        if (text === 'bad') throw new Error('not this one');
        return text;
      }),
    {
      fits: ['good'],
      refused: ['bad', 1],
    },
  ),
  field(
    'a transform that tells its own problem',
    () =>
      z.string().transform((text, context) => {
        if (text !== 'bad') return text;
        context.addIssue({ code: 'custom', message: 'not this one' });
        return z.NEVER;
      }),
    {
      fits: ['good'],
      refused: [told('bad', ['', 'not this one'])],
    },
  ),
  field('a pipe', () => z.string().transform(Number).pipe(z.int().min(1)), {
    fits: [into('5', 5)],
    refused: ['0', 'x', '1.5', 5],
  }),
  field(
    'a pipe into an object that is open',
    () =>
      z
        .string()
        .transform((text) => JSON.parse(text))
        .pipe(z.object({ a: z.int() })),
    {
      fits: [into('{"a":1}', { a: 1 }), into('{"a":1,"b":2}', { a: 1 })],
      refused: [at('{"a":"x"}', '/a'), '{', 5],
    },
  ),
  field('a pipe of two schemas of the same value', () => z.string().pipe(z.string().min(2)), {
    fits: ['ab'],
    refused: ['a', 5],
  }),
  field('a codec', () => z.codec(z.string(), z.number(), { decode: Number, encode: String }), {
    fits: [into('1.5', 1.5)],
    refused: [1.5, 'x'],
  }),
  field(
    'a codec of an object',
    () =>
      z.codec(z.object({ a: z.int() }), z.object({ b: z.int() }), {
        decode: ({ a }) => ({ b: a }),
        encode: ({ b }) => ({ a: b }),
      }),
    {
      twin: () =>
        z.codec(z.strictObject({ a: z.int() }), z.object({ b: z.int() }), {
          decode: ({ a }) => ({ b: a }),
          encode: ({ b }) => ({ a: b }),
        }),
      fits: [into({ a: 1 }, { b: 1 })],
      refused: [at({ a: 1, c: 1 }, '/c'), at({ b: 1 }, '/a', '/b')],
    },
  ),
  field(
    'a codec to a URL',
    () => z.codec(z.url(), z.instanceof(URL), { decode: (text) => new URL(text), encode: (url) => url.href }),
    {
      fits: [into('https://a.example/', new URL('https://a.example/'))],
      refused: ['nope', 5],
    },
  ),
  field(
    'a default behind a transform',
    () =>
      z
        .string()
        .transform((text) => text.length)
        .default(7),
    {
      fits: [into(ABSENT, 7), into('ab', 2)],
      refused: [7, null],
    },
  ),
  field(
    'a transform of an optional',
    () =>
      z
        .string()
        .optional()
        .transform((text) => text ?? 'none'),
    {
      fits: ['a', into(ABSENT, 'none')],
      refused: [null, 5],
    },
  ),
  field(
    'a transform in a union',
    () => z.union([z.object({ a: z.string().transform(Number) }), z.object({ b: z.string() })]),
    {
      twin: () =>
        z.union([z.strictObject({ a: z.string().transform(Number) }), z.strictObject({ b: z.string() })]),
      fits: [into({ a: '1' }, { a: 1 }), { b: 'x' }],
      refused: [at({ b: 1 }, '/b'), at({ a: '1', c: 1 }, '/c')],
    },
  ),
];
