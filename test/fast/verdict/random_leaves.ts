import fc from 'fast-check';
import { z } from 'zod';
import { leaf, type Made } from './made.ts';

type Zod = z.ZodType;
/** A schema of Zod 4 that was generated. */
export type One = Made<Zod>;

const dateText = fc
  .date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const words = fc.string({ maxLength: 5 });
const small = fc.integer({ min: -100, max: 100 });
const refuseX = (text: string): boolean => {
  if (text.startsWith('x')) throw new Error('x is away');
  return true;
};

/** For Zod alone, whose parse would end where the other throws. */
const bigintOrIssue = (text: string, context: { addIssue: (message: string) => void }): unknown => {
  try {
    return BigInt(text);
  } catch {
    context.addIssue('is no number');
    return z.NEVER;
  }
};

export const leaves: fc.Arbitrary<One> = fc.constantFrom<One>(
  leaf('string', () => z.string(), words),
  leaf(
    'string.min.max',
    () => z.string().min(1).max(4),
    fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme-ascii' }),
  ),
  leaf(
    'trim.min',
    () => z.string().trim().min(1),
    words.map((text) => ` a${text} `),
  ),
  leaf('regex', () => z.string().regex(/^\d{2}-[a-z]$/), fc.constantFrom('12-a', '00-z')),
  leaf('email', () => z.email(), fc.constantFrom('a@b.co', 'x.y+z@mail.example')),
  leaf('uuid', () => z.uuid(), fc.uuid()),
  leaf('url', () => z.url(), fc.webUrl({ withQueryParameters: true })),
  leaf('datetime', () => z.iso.datetime(), dateText),
  leaf(
    'date',
    (closed) => (closed ? z.iso.datetime({ offset: true }).transform((text) => new Date(text)) : z.date()),
    dateText,
  ),
  leaf(
    'template',
    () => z.templateLiteral(['v', z.int()]),
    small.map((n) => `v${n}`),
  ),
  leaf(
    'number',
    () => z.number(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0 || 0),
  ),
  leaf('int', () => z.int().min(-100).max(100), small),
  leaf(
    'price',
    () => z.number().multipleOf(0.01),
    fc.integer({ min: -1e6, max: 1e6 }).map((cents) => cents / 100 + 0 || 0),
  ),
  leaf(
    'coerce.number',
    () => z.coerce.number(),
    fc.oneof(small, small.map(String), fc.boolean(), fc.constant(null)),
  ),
  leaf('boolean', () => z.boolean(), fc.boolean()),
  leaf('stringbool', () => z.stringbool(), fc.constantFrom('yes', 'FALSE', '1')),
  leaf('null', () => z.null(), fc.constant(null)),
  leaf('literal', () => z.literal(['a', 1, true]), fc.constantFrom('a', 1, true)),
  leaf('enum', () => z.enum(['low', 'high']), fc.constantFrom('low', 'high')),
  leaf(
    'json',
    () => z.json(),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value))),
  ),
  leaf(
    'even',
    () => z.int().refine((n) => n % 2 === 0, 'must be even'),
    small.map((n) => 2 * n),
  ),
  leaf(
    'throws',
    (closed) => z.string().refine(closed ? (text) => !text.startsWith('x') : refuseX),
    words.map((text) => `a${text}`),
  ),
  leaf('length', () => z.string().transform((text) => text.length), words),
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
        .object({ list: z.array(z.json()) })
        .loose()
        .default({ list: [[]] }),
    fc.constant({ list: [1] }),
  ),
  leaf(
    'catch',
    () => z.looseObject({ n: z.int() }).catch({ n: 0, more: { deep: [] } }),
    fc.constantFrom({ n: 1 }, 5, null),
  ),
  leaf('preprocess', () => z.preprocess((value) => value ?? 7, z.int()), fc.oneof(small, fc.constant(null))),
);
