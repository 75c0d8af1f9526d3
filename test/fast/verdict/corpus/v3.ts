import { z } from 'zod/v3';
import { ABSENT, at, field, into, type Row, told } from '../row.ts';

/** Values of `zod/v3`: what services bring along. */
export const V3: Row[] = [
  field('v3: a text with bounds', () => z.string().min(2).max(4), {
    fits: ['ab'],
    refused: ['a', 'abcde', 5, null, ABSENT],
  }),
  field('v3: a text of two units', () => z.string().min(2), { fits: ['ab', '😀'], refused: ['a'] }),
  field('v3: an own message', () => z.string().min(3, 'at least three, please'), {
    fits: ['abc'],
    refused: [told('ab', ['', 'at least three, please'])],
  }),
  field('v3: an e-mail', () => z.string().email(), { fits: ['a@b.co'], refused: ['nope', 'a@b', 5] }),
  field('v3: a URL', () => z.string().url(), {
    fits: ['https://exämple.com/ä', 'https://a.com/?q=a|b', 'https://example.com/{id}'],
    refused: ['nope', ''],
  }),
  field('v3: a UUID', () => z.string().uuid(), {
    fits: ['9b2fa0a6-6b3f-4d3e-9f0a-3f1f3f1c2b4d', '12345678-1234-0000-0000-123456789012'],
    refused: ['x', ''],
  }),
  field('v3: a time', () => z.string().time(), {
    fits: ['10:00:00', '23:59:59.999'],
    refused: ['10:00:00Z', '24:00:00', ''],
  }),
  field('v3: a date-time', () => z.string().datetime(), {
    fits: ['2026-11-29T10:00:00Z'],
    refused: ['2026-11-29T10:00:00+01:00', '2026-11-29'],
  }),
  field('v3: a date-time without a zone', () => z.string().datetime({ local: true }), {
    fits: ['2026-11-29T10:00:00', '2026-11-29T10:00:00Z'],
    refused: ['2026-11-29', 'x'],
  }),
  field('v3: a date-time with an offset', () => z.string().datetime({ offset: true, precision: 3 }), {
    fits: ['2026-11-29T10:00:00.123+0100', '2026-11-29T10:00:00.123+01:00'],
    refused: ['2026-11-29T10:00:00Z', 'x'],
  }),
  field('v3: a day', () => z.string().date(), { fits: ['2026-11-29'], refused: ['2026-02-30', 'x'] }),
  field('v3: a duration', () => z.string().duration(), {
    fits: ['P1Y', 'PT1.5S', 'P-1D'],
    refused: ['P', 'x'],
  }),
  field('v3: an IP address', () => z.string().ip(), {
    fits: ['127.0.0.1', '::1', '::ffff:127.0.0.1'],
    refused: ['x', '256.1.1.1'],
  }),
  field('v3: a CIDR', () => z.string().cidr(), { fits: ['10.0.0.0/8', '::/0'], refused: ['10.0.0.0', 'x'] }),
  field('v3: Base64', () => z.string().base64(), { fits: ['YQ=='], refused: ['YQ', '!'] }),
  field('v3: Base64 for URLs', () => z.string().base64url(), {
    fits: ['YQ', 'Y_-a'],
    refused: ['Y+/a', '!'],
  }),
  field('v3: ids', () => z.union([z.string().ulid(), z.string().nanoid(), z.string().cuid2()]), {
    fits: ['01ARZ3NDEKTSV4RRFFQ69G5FAV', 'V1StGXR8_Z5jdHi6B-myT', 'tz4a98xxat96iws9zmbrgj3a'],
    refused: ['!', 5],
  }),
  field('v3: an emoji', () => z.string().emoji(), { fits: ['😀'], refused: ['a', '☺a'] }),
  field('v3: a JWT', () => z.string().jwt(), {
    fits: ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2ln'],
    refused: ['a.b.c'],
  }),
  field('v3: a beginning', () => z.string().startsWith('https://').endsWith('.a|b').includes('(c'), {
    fits: ['https://(c.a|b'],
    refused: ['http://(c.a|b', 'https://(cXa|b', 'https://c.a|b'],
  }),
  field('v3: a pattern', () => z.string().regex(/^\d{4}-\d{2}$/), { fits: ['2026-11'], refused: ['2026-1'] }),
  field('v3: a pattern with flags', () => z.string().regex(/^ä.b$/isu), {
    fits: ['Ä\nB', 'äxb'],
    refused: ['xab', 'ab'],
  }),
  field('v3: normalised', () => z.string().trim().toLowerCase().max(3).email().or(z.string().trim().max(3)), {
    fits: [into('  abc  ', 'abc'), 'abc'],
    refused: ['  abcd  ', 5],
  }),
  field('v3: trimmed', () => z.string().trim().min(1).max(3), {
    fits: [into('  abc  ', 'abc')],
    refused: ['    ', ' abcd '],
  }),
  field('v3: a price', () => z.number().multipleOf(0.01), {
    fits: [4.35, 0.07, 1.15, 19.99],
    refused: [4.355, '1'],
  }),
  field('v3: bounds on bounds', () => z.number().gt(1).min(3).lt(9).max(9), {
    fits: [3, 8],
    refused: [2, 9, 1],
  }),
  field('v3: a whole number', () => z.number().int().positive(), { fits: [1, 1e21], refused: [0, 1.5, '1'] }),
  field('v3: a finite number', () => z.number().finite().safe(), { fits: [1], refused: [1e300] }),
  field('v3: no end', () => z.number().max(Number.POSITIVE_INFINITY), { fits: [1], refused: ['1'] }),
  field('v3: literals', () => z.object({ n: z.literal(null), t: z.literal('a'), b: z.literal(true) }), {
    twin: () => z.object({ n: z.literal(null), t: z.literal('a'), b: z.literal(true) }).strict(),
    fits: [{ n: null, t: 'a', b: true }],
    refused: [at({ n: 0, t: 'b', b: false }, '/n', '/t', '/b'), at({ t: 'a', b: true }, '/n')],
  }),
  field('v3: an enum', () => z.enum(['a', 'b']), { fits: ['a'], refused: ['c', 1] }),
  field('v3: an enum of TypeScript', () => z.nativeEnum({ A: 'a', B: 2 } as const), {
    fits: ['a', 2],
    refused: ['A', 'b'],
  }),
  field('v3: a date', () => z.date().min(new Date('2026-01-01T00:00:00Z')), {
    twin: () =>
      z
        .string()
        .datetime({ offset: true })
        .transform((text) => new Date(text))
        .pipe(z.date().min(new Date('2026-01-01T00:00:00Z'))),
    fits: [into('2026-11-29T10:00:00Z', new Date('2026-11-29T10:00:00Z'))],
    refused: ['2025-11-29T10:00:00Z', 'x', 5, null],
  }),
  field('v3: coerced', () => z.object({ n: z.coerce.number(), d: z.coerce.date(), s: z.coerce.string() }), {
    twin: () => z.object({ n: z.coerce.number(), d: z.coerce.date(), s: z.coerce.string() }).strict(),
    fits: [into({ n: '5', d: 0, s: 7 }, { n: 5, d: new Date(0), s: '7' })],
    refused: [at({ n: 'x', d: 'x', s: 1 }, '/n', '/d'), at({ n: 1, d: 0, s: '', e: 1 }, '/e')],
  }),
  field('v3: coerced, or null or a text', () => z.coerce.number().nullable().or(z.coerce.date()), {
    fits: [into('5', 5), null, into('2026-11-29', new Date('2026-11-29'))],
    refused: ['x', ABSENT],
  }),
  field('v3: any and unknown', () => z.object({ a: z.any(), u: z.unknown() }), {
    twin: () => z.object({ a: z.any(), u: z.unknown() }).strict(),
    fits: [{ a: 1, u: [] }, {}],
    refused: [at({ b: 1 }, '/b')],
  }),
];
