import { z } from 'zod';
import { at, field, into, type Row, told } from '../row.ts';

/** Records: what their keys may be, and which must be there. */
export const RECORDS: Row[] = [
  field('a record of numbers', () => z.record(z.string(), z.number()), {
    fits: [{}, { a: 1, 'b/c': 2, '': 3 }],
    refused: [[], null, 'a', at({ a: 1, b: 'x' }, '/b'), at({ 'a/b': null }, '/a~1b')],
  }),
  field('keys with a pattern', () => z.record(z.string().regex(/^x-[a-z]+$/), z.string()), {
    fits: [{}, { 'x-a': '1', 'x-bc': '2' }],
    refused: [
      at({ 'x-a': '1', y: '2' }, '/y'),
      at({ 'X-A': '1', 'x-1': '2' }, '/X-A', '/x-1'),
      at({ 'x-a': 1 }, '/x-a'),
    ],
  }),
  field(
    'keys with a pattern that is legal without the flag u',
    () => z.record(z.string().regex(/^\d-\d$/), z.int()),
    {
      fits: [{ '1-2': 3 }],
      refused: [at({ '12': 3 }, '/12')],
    },
  ),
  field('keys with the flag i', () => z.record(z.string().regex(/^x$/i), z.int()), {
    fits: [{ x: 1, X: 2 }],
    refused: [at({ y: 1 }, '/y')],
  }),
  field('keys with bounds', () => z.record(z.string().min(2).max(3), z.boolean()), {
    fits: [{ ab: true, abc: false }],
    refused: [at({ a: true }, '/a'), at({ abcd: true, ab: 1 }, '/ab', '/abcd')],
  }),
  field('an own message about a key', () => z.record(z.string().min(2, 'a longer key, please'), z.int()), {
    fits: [{ ab: 1 }],
    refused: [told({ a: 1 }, ['/a', 'a longer key, please'])],
  }),
  field('keys that are UUIDs', () => z.record(z.uuid(), z.int()), {
    fits: [{ '9b2fa0a6-6b3f-4d3e-9f0a-3f1f3f1c2b4d': 1 }],
    refused: [at({ a: 1 }, '/a')],
  }),
  field(
    'keys that are e-mail addresses',
    () => z.record(z.email({ pattern: z.regexes.unicodeEmail }), z.int()),
    {
      fits: [{ 'ü@example.com': 1 }],
      refused: [at({ 'ü.example.com': 1 }, '/ü.example.com')],
    },
  ),
  field('a key for each of an enum', () => z.record(z.enum(['a', 'b']), z.int()), {
    fits: [{ a: 1, b: 2 }],
    refused: [at({ a: 1 }, '/b'), at({ a: 1, b: 2, c: 3 }, '/c'), at({ a: 1, b: 'x' }, '/b')],
  }),
  field('a key for some of an enum', () => z.partialRecord(z.enum(['a', 'b']), z.int()), {
    fits: [{}, { a: 1 }, { a: 1, b: 2 }],
    refused: [at({ c: 3 }, '/c'), at({ a: null }, '/a')],
  }),
  field('a key for each of the enum, with defaults', () => z.record(z.enum(['a', 'b']), z.int().default(7)), {
    fits: [into({ a: 1 }, { a: 1, b: 7 }), into({}, { a: 7, b: 7 })],
    refused: [at({ a: 'x' }, '/a')],
  }),
  field('a loose record', () => z.looseRecord(z.string().regex(/^n_/), z.number()), {
    fits: [{}, { n_a: 1, other: 'x' }],
    refused: [at({ n_a: 'x' }, '/n_a')],
  }),
  field('numbers as keys', () => z.record(z.number(), z.string()), {
    fits: [{ 1: 'a', 25: 'b' }],
    refused: [at({ a: 'b' }, '/a'), at({ 1: 2 }, '/1')],
  }),
  field('whole numbers as keys', () => z.record(z.int().min(1), z.string()), {
    fits: [{ 1: 'a' }, {}],
    refused: [at({ 0: 'a' }, '/0'), at({ 1.5: 'a' }, '/1.5')],
  }),
  field('literals as keys', () => z.record(z.literal(['a', 1]), z.int()), {
    fits: [{ a: 1, 1: 2 }],
    refused: [at({ a: 1 }, '/1'), at({ a: 1, 1: 2, b: 3 }, '/b')],
  }),
  field('a union of keys', () => z.record(z.union([z.literal('a'), z.string().startsWith('x-')]), z.int()), {
    fits: [{ a: 1, 'x-1': 2 }, { 'x-1': 2 }],
    refused: [at({ b: 1 }, '/b')],
  }),
  field('a template as key', () => z.record(z.templateLiteral(['day-', z.int()]), z.int()), {
    fits: [{ 'day-1': 1 }, {}],
    refused: [at({ 'day-x': 1 }, '/day-x')],
  }),
  field('keys that are made lower case', () => z.record(z.string().toLowerCase(), z.int()), {
    fits: [into({ A: 1, b: 2 }, { a: 1, b: 2 })],
    refused: [at({ A: 'x' }, '/A')],
  }),
  field('a record of objects', () => z.record(z.string(), z.object({ a: z.int() })), {
    twin: () => z.record(z.string(), z.strictObject({ a: z.int() })),
    fits: [{ k: { a: 1 } }],
    refused: [at({ k: { a: 1, b: 2 } }, '/k/b'), at({ k: {}, l: 5 }, '/k/a', '/l')],
  }),
  field('a record of anything', () => z.record(z.string(), z.unknown()), {
    fits: [{}, { a: null, b: [{ c: 1 }] }],
    refused: [[], null, 1],
  }),
  field('a record of records', () => z.record(z.string(), z.record(z.string().min(2), z.int())), {
    fits: [{ a: { bb: 1 } }],
    refused: [at({ a: { b: 1 } }, '/a/b'), at({ a: 1 }, '/a')],
  }),
];
