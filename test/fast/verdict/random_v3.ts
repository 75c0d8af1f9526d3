import fc from 'fast-check';
import { z } from 'zod/v3';
import { composed, leaf, type Made } from './made.ts';

type V3 = z.ZodTypeAny;
type One = Made<V3>;

const small = fc.integer({ min: -100, max: 100 });
const words = fc.string({ maxLength: 5 });
const dateText = fc
  .date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());

/** For Zod alone, whose parse would end where the other throws. */
const bigintOrIssue = (text: string, context: z.RefinementCtx): unknown => {
  try {
    return BigInt(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is no number' });
    return z.NEVER;
  }
};

const leaves: fc.Arbitrary<One> = fc.constantFrom<One>(
  leaf('string', () => z.string().max(5), words),
  leaf(
    'trim.min',
    () => z.string().trim().min(1),
    words.map((text) => ` a${text} `),
  ),
  leaf('regex', () => z.string().regex(/^\d{2}-[a-z]$/i), fc.constantFrom('12-a', '00-Z')),
  leaf('email', () => z.string().email(), fc.constantFrom('a@b.co', 'x.y+z@mail.example')),
  leaf('url', () => z.string().url(), fc.webUrl()),
  leaf('time', () => z.string().time(), fc.constantFrom('10:00:00', '23:59:59.9')),
  leaf(
    'date',
    (closed) =>
      closed
        ? z
            .string()
            .datetime({ offset: true })
            .transform((text) => new Date(text))
        : z.date(),
    dateText,
  ),
  leaf(
    'price',
    () => z.number().multipleOf(0.01),
    fc.integer({ min: -1e6, max: 1e6 }).map((cents) => cents / 100 + 0 || 0),
  ),
  leaf('int', () => z.number().int().gt(-101).max(100), small),
  leaf('coerce.number', () => z.coerce.number(), fc.oneof(small, small.map(String), fc.constant(null))),
  leaf('boolean', () => z.boolean(), fc.boolean()),
  leaf('null', () => z.literal(null), fc.constant(null)),
  leaf('enum', () => z.enum(['low', 'high']), fc.constantFrom('low', 'high')),
  leaf(
    'even',
    () => z.number().refine((n) => n % 2 === 0, 'must be even'),
    small.map((n) => 2 * n),
  ),
  leaf(
    'bigint',
    (closed) => z.string().transform(closed ? bigintOrIssue : (text) => BigInt(text)),
    small.map(String),
  ),
  leaf(
    'waits',
    () => z.string().refine(async (text) => text !== 'bad'),
    words.map((text) => `a${text}`),
  ),
  leaf(
    'list.default',
    () =>
      z
        .object({ list: z.array(z.any()) })
        .passthrough()
        .default({ list: [[]] }),
    fc.constant({ list: [1] }),
  ),
  leaf(
    'catch',
    () =>
      z
        .object({ n: z.number() })
        .passthrough()
        .catch({ n: 0, more: [[]] }),
    fc.constantFrom({ n: 1 }, 5, null),
  ),
);

type Field = { key: string; one: One; kind: 'plain' | 'optional' | 'default' };
type Mode = 'strip' | 'strict' | 'loose' | 'catchall';

function objectSchema(fields: Field[], mode: Mode, closed: boolean): V3 {
  const shape = fields.map(({ key, one, kind }) => {
    const schema = one.make(closed);
    if (kind === 'default') return [key, withDefault(schema, one)];
    return [key, kind === 'optional' ? schema.optional() : schema];
  });
  const schema = z.object(Object.fromEntries(shape));
  if (mode === 'loose') return schema.passthrough();
  if (mode === 'catchall') return schema.catchall(z.number());
  return mode === 'strict' || closed ? schema.strict() : schema;
}

/** Unlike in Zod 4, a default is parsed. One that holds text for a date, or would have to be waited for, does not do. */
function withDefault(schema: V3, one: One): V3 {
  const [value] = fc.sample(one.value, { numRuns: 1, seed: 1 });
  try {
    return one.make(false).safeParse(value).success ? schema.default(value) : schema.optional();
  } catch {
    return schema.optional();
  }
}

function objectOf(fields: Field[], mode: Mode): One {
  return composed(
    `${mode}{${fields.map(({ key, kind }) => `${key}:${kind}`).join()}}`,
    fields.map(({ one }) => one),
    (closed) => objectSchema(fields, mode, closed),
    objectValue(fields),
  );
}

function objectValue(fields: Field[]): fc.Arbitrary<unknown> {
  return fc.record(Object.fromEntries(fields.map(({ key, one }) => [key, one.value])), {
    requiredKeys: fields.flatMap(({ key, kind }) => (kind === 'plain' ? [key] : [])),
    noNullPrototype: true,
  });
}

function intersectionOf(all: Field[], split: number): One {
  return composed(
    `and{${split}}`,
    all.map(({ one }) => one),
    (closed) =>
      closed
        ? objectSchema(all, 'strict', true)
        : objectSchema(all.slice(0, split), 'strip', false).and(
            objectSchema(all.slice(split), 'strip', false).describe('one').readonly(),
          ),
    objectValue(all),
  );
}

const WRAPS: Record<string, (schema: V3) => V3> = {
  readonly: (schema) => schema.readonly(),
  describe: (schema) => schema.describe('as described'),
  lazy: (schema) => z.lazy(() => schema),
  transform: (schema) => schema.transform((value) => [value]),
};

/** Schemas of `zod/v3` of any shape. */
export const schemasV3: fc.Arbitrary<One> = fc.letrec<{ any: One }>((tie) => {
  const any = tie('any');
  const field: fc.Arbitrary<Field> = fc.record({
    key: fc.constantFrom('a', 'b', 'c/d', 'e~'),
    one: any,
    kind: fc.constantFrom<Field['kind'][]>('plain', 'optional', 'default'),
  });
  const fields = fc.uniqueArray(field, { selector: ({ key }) => key, maxLength: 3 });
  return {
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaves,
      fc
        .tuple(fields, fc.constantFrom<Mode>('strip', 'strip', 'strict', 'loose', 'catchall'))
        .map(([all, mode]) => objectOf(all, mode)),
      any.map((one) =>
        composed(
          'array',
          [one],
          (closed) => z.array(one.make(closed)).max(3),
          fc.array(one.value, { maxLength: 3 }),
        ),
      ),
      fc
        .tuple(any, any)
        .map(([a, b]) =>
          composed(
            'tuple',
            [a, b],
            (closed) => z.tuple([a.make(closed), b.make(closed)]),
            fc.tuple(a.value, b.value),
          ),
        ),
      any.map((one) =>
        composed(
          'record',
          [one],
          (closed) => z.record(z.string().max(3), one.make(closed)),
          fc.dictionary(fc.constantFrom('k', 'l/m', 'abc'), one.value, { noNullPrototype: true }),
        ),
      ),
      fc
        .tuple(any, any)
        .map(([a, b]) =>
          composed(
            'union',
            [a, b],
            (closed) => z.union([a.make(closed), b.make(closed)]),
            fc.oneof(a.value, b.value),
          ),
        ),
      fc.tuple(fields, fc.nat(3)).map(([all, split]) => intersectionOf(all, split)),
      any.map((one) =>
        composed('nullable', [one], (closed) => one.make(closed).nullable(), fc.option(one.value)),
      ),
      fc
        .tuple(any, fc.constantFrom(...Object.keys(WRAPS)))
        .map(([one, name]) =>
          composed(name, [one], (closed) => WRAPS[name]?.(one.make(closed)) ?? z.never(), one.value),
        ),
    ),
  };
}).any;
