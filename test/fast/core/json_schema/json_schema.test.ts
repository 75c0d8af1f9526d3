import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { toJsonSchema } from '../../../../core/json_schema/describe.ts';
import type { Schema } from '../../../../core/schema.ts';

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

/** As people write it; a literal would be mended by the linter. */
const ILLEGAL_WITH_U = new RegExp(['^', 'd', '-', 'd$'].join('\\'));

describe('what JSON Schema has no word for is described widely, never wrongly (D1, D2)', () => {
  const recursive: z.ZodType = z.object({
    get children() {
      return z.array(recursive);
    },
  });
  const recursive3: z3.ZodTypeAny = z3.object({ children: z3.lazy(() => z3.array(recursive3)) });

  test.each([recursive, recursive3])('a schema that is in itself', (schema) => {
    expect(toJsonSchema(schema)).toMatchObject({ properties: { children: { items: { $ref: '#' } } } });
  });

  test('a part that is in itself has a name', () => {
    for (const schema of [z.object({ tree: recursive }), z3.object({ tree: recursive3 })]) {
      const validate = new Ajv2020({ strict: false }).compile(toJsonSchema(schema));
      expect(validate({ tree: { children: [{ children: [] }] } })).toBe(true);
      expect(validate({ tree: { children: [{ children: 5 }] } })).toBe(false);
    }
  });

  test('a shared part has its id', () => {
    const address = z.object({ street: z.string() }).meta({ id: 'Address' });
    expect(toJsonSchema(z.object({ from: address, to: address.optional() }))).toEqual({
      type: 'object',
      properties: { from: { $ref: '#/$defs/Address' }, to: { $ref: '#/$defs/Address' } },
      required: ['from'],
      additionalProperties: false,
      $defs: {
        Address: {
          type: 'object',
          properties: { street: { type: 'string' } },
          required: ['street'],
          additionalProperties: false,
        },
      },
    });
  });

  test.each<[string, Schema, Schema, unknown]>([
    ['a date', z.date(), z3.date(), { type: 'string', format: 'date-time' }],
    [
      'a converted date, which may be milliseconds too',
      z.coerce.date(),
      z3.coerce.date(),
      { anyOf: [{ type: 'string', format: 'date-time' }, { type: ['string', 'number', 'boolean', 'null'] }] },
    ],
    ['what is converted', z.coerce.number(), z3.coerce.number(), {}],
    ['what is prepared', z.preprocess(Number, z.number()), z3.preprocess(Number, z3.number()), {}],
    [
      'what is caught',
      z.string().catch('c'),
      z3.string().catch('c'),
      expect.not.objectContaining({ type: 'string' }),
    ],
    [
      'flags',
      z.string().regex(/^a$/i),
      z3.string().regex(/^a$/i),
      { type: 'string', description: 'matches /^a$/i' },
    ],
    [
      'an expression that is illegal with the flag u',
      z.string().regex(ILLEGAL_WITH_U),
      z3.string().regex(ILLEGAL_WITH_U),
      { type: 'string', description: 'matches /^\\d\\-\\d$/' },
    ],
    [
      'cents',
      z.number().multipleOf(0.01),
      z3.number().multipleOf(0.01),
      { type: 'number', description: 'a multiple of 0.01' },
    ],
    ['dozens', z.number().multipleOf(12), z3.number().multipleOf(12), { type: 'number', multipleOf: 12 }],
    ['a URL', z.url(), z3.string().url(), { type: 'string', description: 'url' }],
    [
      'normalised text',
      z.string().trim().max(3),
      z3.string().trim().max(3),
      expect.not.objectContaining({ maxLength: 3 }),
    ],
    [
      'no bound at all',
      z.array(z.null()).max(Infinity),
      z3.array(z3.null()).max(Infinity),
      { type: 'array', items: { type: 'null' } },
    ],
    [
      'a default that JSON has not',
      z.number().default(Infinity),
      z3.number().default(Infinity),
      { type: 'number' },
    ],
    ['what can not be changed', z.string().readonly(), z3.string().readonly(), { type: 'string' }],
    ['an empty tuple', z.tuple([]), z3.tuple([]), expect.objectContaining({ type: 'array', items: false })],
  ])('%s', (_what, four, three, described) => {
    const part = (schema: Schema): unknown => toJsonSchema(schema);
    expect(part(four)).toEqual(described);
    expect(part(three)).toEqual(described);
  });

  test('what a transform gives may be anything', () => {
    for (const schema of [
      z.object({ a: z.string().transform(Number) }),
      z3.object({ a: z3.string().transform(Number) }),
    ]) {
      expect(toJsonSchema(schema)).toMatchObject({ properties: { a: { type: 'string' } } });
      expect(toJsonSchema(schema, 'output')).toMatchObject({ properties: { a: {} } });
    }
  });
});
