import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { parseNow, parseWith, type Schema, toJsonSchema } from '../../core/schema.ts';

const ajv = formats.default(new Ajv2020({ strictTypes: false, strictTuples: false }));

/** Whether a JSON Schema accepts a value, as a part of another document, as the API uses it. */
function accepts(schema: Schema, value: unknown): boolean {
  const document = { type: 'object', properties: { payload: toJsonSchema(schema) } };
  return ajv.validate(document, { payload: value });
}

/** The same thing in both libraries. */
const PAIRS: [string, Schema, Schema][] = [
  ['object', z.object({ a: z.string() }), z3.object({ a: z3.string() })],
  ['strict', z.strictObject({ a: z.string() }), z3.object({ a: z3.string() }).strict()],
  [
    'refined',
    z.object({ a: z.string() }).refine(() => true),
    z3.object({ a: z3.string() }).refine(() => true),
  ],
  [
    'transformed',
    z.object({ a: z.string() }).transform(({ a }) => a.length),
    z3.object({ a: z3.string() }).transform(({ a }) => a.length),
  ],
  [
    'piped',
    z.object({ a: z.string().transform(Number).pipe(z.number()) }),
    z3.object({ a: z3.string().transform(Number).pipe(z3.number()) }),
  ],
];

describe('an object is closed and never empty (T3)', () => {
  test.each(PAIRS)('%s', (_kind, ...both) => {
    for (const schema of both) {
      expect(toJsonSchema(schema)).toMatchObject({
        type: 'object',
        properties: { a: { type: 'string' } },
        required: ['a'],
        additionalProperties: false,
      });
      expect(accepts(schema, { a: 'x' })).toBe(true);
      for (const value of [{}, { a: 1 }, { a: 'x', b: 1 }, 'x', null])
        expect(accepts(schema, value)).toBe(false);
    }
  });

  test('also inside of others, and without any field', () => {
    const inner4 = z.object({ a: z.string() });
    const inner3 = z3.object({ a: z3.string() });
    const outer = [
      z.object({ list: z.array(inner4), any: z.union([inner4, z.null()]) }),
      z3.object({ list: z3.array(inner3), any: z3.union([inner3, z3.null()]) }),
    ];
    for (const schema of outer) {
      expect(accepts(schema, { list: [{ a: 'x' }], any: null })).toBe(true);
      expect(accepts(schema, { list: [{ a: 'x', b: 1 }], any: null })).toBe(false);
      expect(accepts(schema, { list: [], any: { a: 'x', b: 1 } })).toBe(false);
    }
    for (const schema of [z.object({}), z3.object({})]) {
      expect([accepts(schema, {}), accepts(schema, { a: 1 })]).toEqual([true, false]);
    }
  });

  test('both halves of an intersection count', () => {
    const both = [
      z.object({ x: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })) }),
      z3.object({ x: z3.object({ a: z3.string() }).and(z3.object({ b: z3.string() })) }),
    ];
    for (const schema of both) {
      expect(accepts(schema, { x: { a: '1', b: '2' } })).toBe(true);
      expect(accepts(schema, { x: { a: '1', b: '2', c: '3' } })).toBe(false);
      expect(accepts(schema, { x: { a: '1' } })).toBe(false);
    }
  });

  test('unless the schema itself is loose', () => {
    for (const schema of [z.looseObject({ a: z.string() }), z3.object({ a: z3.string() }).passthrough()]) {
      expect([accepts(schema, { a: 'x', b: 1 }), accepts(schema, { b: 1 })]).toEqual([true, false]);
    }
    const numbers = z.object({ a: z.string() }).catchall(z.number());
    expect([accepts(numbers, { a: 'x', b: 1 }), accepts(numbers, { a: 'x', b: 'y' })]).toEqual([true, false]);
  });
});

describe('JSON Schema 2020-12, whichever library', () => {
  test('bounds, exclusive or not', () => {
    const both = [
      z.object({ a: z.number().gt(0).lt(10), b: z.number().min(0).max(10).optional() }),
      z3.object({ a: z3.number().gt(0).lt(10), b: z3.number().min(0).max(10).optional() }),
    ];
    for (const schema of both) {
      expect([0, 0.1, 9.9, 10].map((a) => accepts(schema, { a }))).toEqual([false, true, true, false]);
      expect([-1, 0, 10, 11].map((b) => accepts(schema, { a: 1, b }))).toEqual([false, true, true, false]);
    }
  });

  test('tuples, with and without a rest', () => {
    const both = [
      z.object({ pair: z.tuple([z.string(), z.number()]), items: z.tuple([z.string()], z.number()) }),
      z3.object({
        pair: z3.tuple([z3.string(), z3.number()]),
        items: z3.tuple([z3.string()]).rest(z3.number()),
      }),
    ];
    for (const schema of both) {
      expect(accepts(schema, { pair: ['a', 1], items: ['a', 1, 2] })).toBe(true);
      expect(accepts(schema, { pair: [1, 'a'], items: ['a'] })).toBe(false);
      expect(accepts(schema, { pair: ['a', 1, 2], items: ['a'] })).toBe(false);
      expect(accepts(schema, { pair: ['a', 1], items: ['a', 'b'] })).toBe(false);
    }
  });

  test('a schema that is used twice is written out twice', () => {
    const four = z.object({ a: z.string() });
    const three = z3.object({ a: z3.string() });
    for (const schema of [z.object({ x: four, y: four }), z3.object({ x: three, y: z3.lazy(() => three) })]) {
      expect(toJsonSchema(schema)).toMatchObject({
        properties: { x: { type: 'object' }, y: { type: 'object' } },
      });
    }
  });

  test('defaults: may be left out, and are always there in what the schema gives', () => {
    const schema = z.object({ a: z.string().default('x') });
    expect(toJsonSchema(schema)).toMatchObject({ properties: { a: { default: 'x' } } });
    expect(toJsonSchema(schema)).not.toHaveProperty('required');
    expect(toJsonSchema(schema, 'output')).toMatchObject({ required: ['a'], additionalProperties: false });
  });
});

class Thing {}
const recursive: z.ZodType = z.object({
  get children() {
    return z.array(recursive);
  },
});
const recursive3: z3.ZodTypeAny = z3.object({ children: z3.lazy(() => z3.array(recursive3)) });

/** What JSON Schema, or a part of a document, can't express. */
const REFUSED: [string, Schema, RegExp][] = [
  ['date', z.date(), /Date/],
  ['bigint', z.bigint(), /BigInt/],
  ['map', z.map(z.string(), z.string()), /Map/],
  ['set', z.set(z.string()), /Set/],
  ['undefined', z.undefined(), /Undefined/],
  ['instanceof', z.instanceof(Thing), /Custom types/],
  ['recursion', recursive, /refers to itself/],
  ['id', z.string().meta({ id: 'Name' }), /another schema by `id`/],
  ['regex flags', z.string().regex(/^a$/i), /flags of \/\^a\$\/i would be lost/],
  ['v3 date', z3.date(), /ZodDate has no JSON Schema/],
  ['v3 bigint', z3.bigint(), /ZodBigInt/],
  ['v3 map', z3.map(z3.string(), z3.string()), /ZodMap/],
  ['v3 set', z3.set(z3.string()), /ZodSet/],
  ['v3 undefined', z3.undefined(), /ZodUndefined/],
  ['v3 function', z3.function(), /ZodFunction/],
  ['v3 recursion', recursive3, /refers to itself/],
];

test.each(REFUSED)('what can not be expressed is refused: %s', (_kind, schema, why) => {
  const object = '_zod' in schema ? z.object({ field: schema }) : z3.object({ field: schema });
  expect(() => toJsonSchema(object)).toThrow(why);
});

test('flags of a regular expression are fine where they can be written in the pattern', () => {
  expect(
    accepts(z.object({ a: z.string().regex(/^\p{L}$/u), b: z.email() }), { a: 'é', b: 'a@b.example' }),
  ).toBe(true);
  expect(accepts(z3.object({ a: z3.string().regex(/^a$/i) }), { a: 'A' })).toBe(true);
});

test('what a transform gives can not be expressed, what it takes can', () => {
  for (const schema of [
    z.object({ a: z.string().transform(Number) }),
    z3.object({ a: z3.string().transform(Number) }),
  ]) {
    expect(toJsonSchema(schema)).toMatchObject({ properties: { a: { type: 'string' } } });
    expect(() => toJsonSchema(schema, 'output')).toThrow(/transform/i);
  }
});

describe('parsing', () => {
  const both = [
    z.object({ a: z.string().transform((text) => text.length), b: z.number().default(7) }),
    z3.object({ a: z3.string().transform((text) => text.length), b: z3.number().default(7) }),
  ];

  test('defaults and transforms are applied (T2)', async () => {
    for (const schema of both) {
      const value = { ok: true, value: { a: 5, b: 7 } };
      expect(await parseWith(schema, { a: 'hello' }, '')).toEqual(value);
      expect(parseNow(schema, { a: 'hello' }, '')).toEqual(value);
    }
  });

  test('every problem at once, each with its JSON Pointer', async () => {
    const schemas = [
      z.object({ 'a/b': z.array(z.string()), c: z.object({ d: z.number() }) }),
      z3.object({ 'a/b': z3.array(z3.string()), c: z3.object({ d: z3.number() }) }),
    ];
    for (const schema of schemas) {
      const parsed = await parseWith(schema, { 'a/b': ['x', 1], c: {} }, '/body/payload');
      expect(parsed).toMatchObject({
        ok: false,
        details: [{ path: '/body/payload/a~1b/1' }, { path: '/body/payload/c/d' }],
      });
    }
    const whole = await parseWith(z.object({}), 'text', '/payload');
    expect(whole).toMatchObject({ ok: false, details: [{ path: '/payload' }] });
  });

  test('an asynchronous schema is waited for; at once it gives nothing', async () => {
    const schema = z.object({ a: z.string().refine(async (text) => text === 'good', 'is not good') });
    expect(await parseWith(schema, { a: 'good' }, '')).toEqual({ ok: true, value: { a: 'good' } });
    expect(await parseWith(schema, { a: 'bad' }, '')).toMatchObject({ ok: false, details: [{ path: '/a' }] });
    expect(parseNow(schema, { a: 'bad' }, '')).toBeUndefined();
  });

  test('what a refinement throws is not the problem of the value', async () => {
    const away = (): never => {
      throw new Error('away');
    };
    const schemas = [
      z.object({}).refine(away),
      z.object({}).refine(async () => away()),
      z3.object({}).refine(away),
    ];
    for (const schema of schemas) await expect(parseWith(schema, {}, '')).rejects.toThrow('away');
    expect(parseNow(z.object({}).refine(away), {}, '')).toBeUndefined();
  });
});
