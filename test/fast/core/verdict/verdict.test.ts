import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import type { Parsed, Schema } from '../../../../core/schema.ts';
import { uncarriedParts } from '../../../../core/verdict/carried.ts';
import { judgeOf } from '../../../../core/verdict/judge.ts';

async function verdict(schema: Schema, value: unknown): Promise<Parsed> {
  return judgeOf(schema, { isJson: true })(value, '/p');
}

async function pathsOf(schema: Schema, value: unknown): Promise<string[]> {
  const parsed = await verdict(schema, value);
  return parsed.ok ? [] : parsed.details.map(({ path }) => path);
}

describe('objects that list their properties refuse others, and nothing else is added (D1)', () => {
  const both = [
    { a4: z.object({ a: z.string() }), loose: z.looseObject({ a: z.string() }) },
    { a4: z3.object({ a: z3.string() }), loose: z3.object({ a: z3.string() }).passthrough() },
  ];
  test.each(both)('unless they are loose', async ({ a4, loose }) => {
    expect(await pathsOf(a4, { a: '', b: 1 })).toEqual(['/p/b']);
    expect(await verdict(loose, { a: '', b: 1 })).toEqual({ ok: true, value: { a: '', b: 1 } });
  });

  test.each([
    z.object({ x: z.union([z.object({ a: z.number() }), z.object({ a: z.number(), b: z.number() })]) }),
    z3.object({
      x: z3.union([z3.object({ a: z3.number() }), z3.object({ a: z3.number(), b: z3.number() })]),
    }),
  ])('a union takes the branch that knows all of them', async (schema) => {
    expect(await verdict(schema, { x: { a: 1, b: 2 } })).toEqual({ ok: true, value: { x: { a: 1, b: 2 } } });
    expect(await pathsOf(schema, { x: { a: 1, c: 2 } })).toEqual(['/p/x/c']);
  });

  test.each([
    z
      .object({ a: z.string() })
      .describe('who')
      .and(z.object({ b: z.string() })),
    z3
      .object({ a: z3.string() })
      .describe('who')
      .and(z3.object({ b: z3.string() })),
  ])('an intersection refuses what none of its sides knows', async (schema) => {
    expect(await pathsOf(schema, { a: '', b: '' })).toEqual([]);
    expect(await pathsOf(schema, { a: '', b: '', c: '' })).toEqual(['/p/c']);
  });

  test.each([
    z
      .object({ a: z.string() })
      .transform(({ a }): { a: string } => Object.assign({ a }, { made: 1 }))
      .pipe(z.object({ a: z.string() })),
    z3
      .object({ a: z3.string() })
      .transform(({ a }): { a: string } => Object.assign({ a }, { made: 1 }))
      .pipe(z3.object({ a: z3.string() })),
  ])('what a transform has made is not looked at', async (schema) => {
    expect(await verdict(schema, { a: 'x' })).toEqual({ ok: true, value: { a: 'x' } });
    expect(await pathsOf(schema, { a: 'x', b: 1 })).toEqual(['/p/b']);
  });
});

describe('the code of a definition may throw (T9)', () => {
  const away = (): never => {
    throw new TypeError('10.0.0.7 is away');
  };
  test.each<[string, Schema]>([
    ['a transform', z.object({ x: z.string().transform(away) })],
    ['an asynchronous transform', z.object({ x: z.string().transform(async () => away()) })],
    ['a refinement', z.object({ x: z.string().refine(away) })],
    ['an asynchronous refinement', z.object({ x: z.string().refine(async () => away()) })],
    ['a superRefine', z.object({ x: z.string().superRefine(away) })],
    ['a preprocess', z.object({ x: z.preprocess(away, z.string()) })],
    ['a custom type', z.object({ x: z.custom(away) })],
    ['a codec', z.object({ x: z.codec(z.string(), z.date(), { decode: away, encode: String }) })],
    ['v3: a transform', z3.object({ x: z3.string().transform(away) })],
    ['v3: a refinement', z3.object({ x: z3.string().refine(away) })],
    ['v3: an asynchronous refinement', z3.object({ x: z3.string().refine(async () => away()) })],
    ['v3: a preprocess', z3.object({ x: z3.preprocess(away, z3.string()) })],
  ])('%s: a problem of the value at its path, without the text of the error', async (_what, schema) => {
    const message = 'could not be checked: the code of its definition threw TypeError';
    const parsed = await verdict(schema, { x: 'a' });
    // What it says is for logs.
    expect(parsed).toEqual({
      ok: false,
      details: [{ path: '/p/x', message }],
      thrown: expect.any(TypeError),
    });
  });

  test('a default that throws is a problem of the whole', async () => {
    expect(await pathsOf(z.object({ x: z.string().default(away) }), {})).toEqual(['/p']);
  });

  test('what it does to the value changes nothing for others', async () => {
    const sent = { x: { n: 1 } };
    const schema = z.object({
      x: z.preprocess((given) => Object.assign(given as object, { n: 2 }), z.object({ n: z.number() })),
    });
    expect(await verdict(schema, sent)).toEqual({ ok: true, value: { x: { n: 2 } } });
    expect(sent).toEqual({ x: { n: 1 } });
  });
});

test.each([
  z.object({
    a: z.object({ list: z.array(z.number()) }).default({ list: [] }),
    b: z.array(z.number()).prefault([]),
    c: z.array(z.number()).catch([]),
  }),
  z3.object({
    a: z3.object({ list: z3.array(z3.number()) }).default({ list: [] }),
    b: z3.array(z3.number()).default([]),
    c: z3.array(z3.number()).catch([]),
  }),
])('each parse has defaults of its own (D3)', async (schema) => {
  type Value = { a: { list: number[] }; b: number[]; c: number[] };
  const first = (await verdict(schema, {})) as unknown as { value: Value };
  first.value.a.list.push(1);
  first.value.b.push(2);
  first.value.c.push(3);
  expect(await verdict(schema, {})).toEqual({ ok: true, value: { a: { list: [] }, b: [], c: [] } });
});

describe('details (D4)', () => {
  const email = { kind: 'email', address: 'nope' };
  test.each<[string, Schema]>([
    [
      'a discriminated union',
      z.object({
        to: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('email'), address: z.email() }),
          z.object({ kind: z.literal('sms'), number: z.string(), country: z.string() }),
          z.object({ kind: z.literal('post'), street: z.string() }),
        ]),
      }),
    ],
    [
      'a union that has tags',
      z.object({
        to: z.union([
          z.object({ kind: z.literal('post'), street: z.string().optional(), address: z.string() }),
          z.object({ kind: z.literal('email'), address: z.email() }),
        ]),
      }),
    ],
    [
      'v3',
      z3.object({
        to: z3.union([
          z3.object({ kind: z3.literal('post'), address: z3.string() }),
          z3.object({ kind: z3.literal('email'), address: z3.string().email() }),
        ]),
      }),
    ],
  ])('%s tells of the branch that was meant', async (_what, schema) => {
    expect(await pathsOf(schema, { to: email })).toEqual(['/p/to/address']);
  });

  test('a union of other types names them', async () => {
    const schema = z.object({ x: z.union([z.string(), z.number(), z.object({})]) });
    const details = [{ path: '/p/x', message: 'must be string or number or object, got true' }];
    expect(await verdict(schema, { x: true })).toEqual({ ok: false, details });
  });

  test.each([
    z.object({ x: z.string().min(3, 'at least three letters, please') }),
    z3.object({ x: z3.string().min(3, 'at least three letters, please') }),
  ])('the words of the definition stay as they are', async (schema) => {
    const details = [{ path: '/p/x', message: 'at least three letters, please' }];
    expect(await verdict(schema, { x: 'a' })).toEqual({ ok: false, details });
  });

  test.each([
    z.object({ r: z.record(z.string().regex(/^[a-z]+$/), z.number()) }),
    z3.object({ r: z3.record(z3.string().regex(/^[a-z]+$/), z3.number()) }),
  ])('a wrong key is told once, at its own path', async (schema) => {
    expect(await pathsOf(schema, { r: { 'A/1': 1, b: 2 } })).toEqual(['/p/r/A~11']);
  });

  const wrong = Array.from({ length: 500 }, () => 'a');
  test.each<[Schema, unknown]>([
    [z.object({ tags: z.array(z.string().min(2)) }), wrong],
    [z.object({ tags: z.record(z.string(), z.string().min(2)) }), { ...wrong }],
    [z3.object({ tags: z3.array(z3.string().min(2)) }), wrong],
    [z3.object({ tags: z3.record(z3.string().min(2)) }), { ...wrong }],
  ])('a hundred of them tell enough', async (schema, tags) => {
    expect(await pathsOf(schema, { tags })).toHaveLength(100);
  });

  test('after a hundred no more parts are looked at', async () => {
    let looks = 0;
    const schema = z.object({ tags: z.array(z.string().refine(() => ++looks < 0)) });
    await verdict(schema, { tags: wrong });
    expect(looks).toBe(100);
  });

  test('a branch that has too many problems is no reason to pass over others', async () => {
    const schema = z.object({
      x: z.union([z.array(z.number()), z.array(z.string())]),
      y: z.array(z.string()),
    });
    const x = Array.from({ length: 500 }, () => 'a');
    expect(await pathsOf(schema, { x, y: [1] })).toEqual(['/p/y/0']);
    expect(await pathsOf(schema, { x: [...x, true], y: [] })).not.toEqual([]);
  });
});

test.each<[string, Schema, string[]]>([
  ['bigint', z.object({ a: z.array(z.object({ b: z.bigint() })) }), ['payload.a[].b']],
  ['map', z.object({ a: z.map(z.string(), z.string()).optional() }), ['payload.a']],
  ['literals', z.object({ a: z.literal([1n, 2n]) }), ['payload.a']],
  ['symbol', z.object({ a: z.union([z.string(), z.symbol()]) }), ['payload.a']],
  ['NaN', z.object({ a: z.nan(), b: z.tuple([z.function()]) }), ['payload.a', 'payload.b[0]']],
  ['what a transform makes is fine', z.object({ a: z.string().transform(BigInt), b: z.coerce.bigint() }), []],
  [
    'v3',
    z3.object({ a: z3.lazy(() => z3.set(z3.string())), b: z3.nan(), c: z3.promise(z3.string()) }),
    ['payload.a', 'payload.b', 'payload.c'],
  ],
  [
    'v3 transform',
    z3.object({
      a: z3.string().transform(BigInt),
      b: z3.preprocess((given) => BigInt(String(given)), z3.bigint()),
    }),
    [],
  ],
])('what JSON cannot carry is found with its place in the schema: %s', (_what, schema, places) => {
  expect(uncarriedParts('payload', schema, 'input').map((line) => line.split(':')[0])).toEqual(places);
});

test('unknown properties of an intersection are told without showing the whole object for each', async () => {
  let reads = 0;
  const names = Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index]);
  const many = new Proxy(Object.fromEntries(names), {
    ownKeys: (target) => {
      reads += 1;
      return Reflect.ownKeys(target);
    },
  });
  const both = z.object({ a: z.string().optional() }).and(z.object({ b: z.string().optional() }));
  expect(await pathsOf(z.object({ x: both }), { x: many })).toHaveLength(100);
  expect(reads).toBeLessThan(20);
});
