import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told } from '../row.ts';

/** Texts: their bounds, parts, patterns and what normalising makes of them. */
export const STRINGS: Row[] = [
  field('any text', () => z.string(), {
    fits: ['', 'a', '😀', '\\u0000', 'constructor'],
    refused: [ABSENT, null, 5, true, ['a'], { a: 'a' }],
  }),
  field('a text of two to four characters', () => z.string().min(2).max(4), {
    fits: ['ab', 'abcd', '😀😀'],
    refused: ['a', 'abcde', '', 22],
  }),
  field('a text of exactly three', () => z.string().length(3), { fits: ['abc'], refused: ['ab', 'abcd'] }),
  field('a text that is not empty', () => z.string().nonempty(), { fits: ['a', ' '], refused: ['', null] }),
  field('what a text begins and ends with', () => z.string().startsWith('a.').endsWith('z$'), {
    fits: ['a.z$', 'a.bc z$'],
    refused: ['abz$', 'a.z', '', 'A.z$'],
  }),
  field('what a text has in it', () => z.string().includes('(x)'), {
    fits: ['(x)', 'a(x)b'],
    refused: ['x', 'a(x', ''],
  }),
  field('what a text has in it from a position on', () => z.string().includes('b', { position: 2 }), {
    fits: ['aab', 'bbb'],
    refused: ['baa', 'b', 'abc'],
  }),
  field('upper case', () => z.string().uppercase(), { fits: ['ABC', 'Ä1', ''], refused: ['aBC', 'Abc'] }),
  field('lower case', () => z.string().lowercase(), { fits: ['abc', 'ä1'], refused: ['Abc', 'aBC'] }),
  field('bounds hold for what is left of a trimmed text', () => z.string().trim().max(3), {
    fits: [into('  abc  ', 'abc'), 'abc', into('     ', '')],
    refused: ['  abcd  ', 'abcd'],
  }),
  field('a lower bound, for what is left of it', () => z.string().trim().min(1), {
    fits: [into(' a ', 'a')],
    refused: ['   ', ''],
  }),
  field('bounds before the trim hold for what came', () => z.string().max(3).trim(), {
    fits: [into(' a ', 'a')],
    refused: [' ab ', '    '],
  }),
  field('an address that is normalised', () => z.string().trim().toLowerCase().email(), {
    fits: [into(' A@b.co ', 'a@b.co'), 'a@b.co'],
    refused: [' A b.co', 'nope'],
  }),
  field('a piped address that is normalised', () => z.string().trim().toLowerCase().pipe(z.email()), {
    fits: [into(' A@b.co ', 'a@b.co')],
    refused: ['nope', 7],
  }),
  field(
    'upper case is made',
    () =>
      z
        .string()
        .toUpperCase()
        .regex(/^[A-Z]+$/),
    {
      fits: [into('abc', 'ABC'), 'ABC'],
      refused: ['ab1', ''],
    },
  ),
  field('Unicode is normalised', () => z.string().normalize('NFC').length(1), {
    fits: [into('e\u0301', '\u00e9'), '\u00e9'],
    refused: ['ee', ''],
  }),
  field('a slug is made', () => z.string().slugify().min(1), {
    fits: [into('Hello, World', 'hello-world')],
    refused: ['!?', ''],
  }),
  field(
    'what is overwritten',
    () =>
      z
        .string()
        .overwrite((text) => text.replaceAll('-', ''))
        .length(4),
    {
      fits: [into('12-34', '1234'), '1234'],
      refused: ['1-2-3', '12345'],
    },
  ),
  field('a pattern', () => z.string().regex(/^[a-z]{2}\d$/), {
    fits: ['ab1'],
    refused: ['ab', 'AB1', 'ab12', '', 12],
  }),
  field('a pattern that is legal without the flag u alone', () => z.string().regex(/^\d{4}-\d{2}$/), {
    fits: ['2026-11'],
    refused: ['2026-1', '2026_11', '26-11'],
  }),
  field('a pattern with other escapes of this kind', () => z.string().regex(/^_@[\w-.]+:{$/), {
    fits: ['_@a.b-c:{'],
    refused: ['_@:{', '@_a:{'],
  }),
  field('a pattern with the flag i', () => z.string().regex(/^abc$/i), {
    fits: ['abc', 'ABC', 'aBc'],
    refused: ['abcd', 'ab'],
  }),
  field('a pattern with the flag m', () => z.string().regex(/^b$/m), {
    fits: ['b', 'a\nb', 'a\nb\nc'],
    refused: ['a', 'ab'],
  }),
  field('a pattern with the flag s', () => z.string().regex(/^a.b$/s), {
    fits: ['a\nb', 'axb'],
    refused: ['ab', 'a\n\nb'],
  }),
  field('a pattern with the flag u', () => z.string().regex(/^\p{L}\u{1F600}?.$/u), {
    fits: ['é😀', 'a😀b', 'ab'],
    refused: ['1a', 'a', '😀a'],
  }),
  field('a pattern with the flag v', () => z.string().regex(/^[\p{L}--[a-z]]+$/v), {
    fits: ['ABC', 'É'],
    refused: ['abc', 'Aa', ''],
  }),
  field('a pattern that does not count code points', () => z.string().regex(/^.{2}$/), {
    fits: ['ab', '😀'],
    refused: ['a', '😀😀', 'abc'],
  }),
  field(
    'patterns that count no code points, in other ways',
    () =>
      z.tuple([
        z.string().regex(/^[^a](?:\D)$/),
        z.string().regex(/^\S{2}x/),
        z.string().regex(/^.\.[^-]+$/),
      ]),
    {
      fits: [
        ['😀', '😀x', 'a.😀'],
        ['bc', 'yyx', 'b.c'],
      ],
      refused: [at(['a', 'x', 'ab'], '/0', '/1', '/2')],
    },
  ),
  field('a pattern with the flag g, which has no memory', () => z.string().regex(/ab/g), {
    fits: ['ab', 'xab', 'abab'],
    refused: ['a', ''],
  }),
  field('two patterns', () => z.string().regex(/a/).regex(/b/), {
    fits: ['ab', 'ba'],
    refused: ['a', 'b', ''],
  }),
  field('a pattern with a slash, a quote and a line end', () => z.string().regex(/^["/\\\n]+$/), {
    fits: ['"', '/', '\\', '\n', '"/'],
    refused: ['', 'a'],
  }),
  field('a bound without an end', () => z.string().max(Number.POSITIVE_INFINITY), {
    fits: ['', 'abc'],
    refused: [5, null],
  }),
  field("the definition's own messages", () => z.string().min(3, 'at least three letters, please'), {
    fits: ['abc'],
    refused: [told('ab', ['', 'at least three letters, please'])],
  }),
  field('an own message about the type', () => z.string({ error: 'a text, please' }), {
    fits: ['a'],
    refused: [told(5, ['', 'a text, please']), told(ABSENT, ['', 'a text, please'])],
  }),
  field(
    'an own message that is made',
    () => z.string().max(2, { error: ({ input }) => `${input} is long` }),
    {
      fits: ['ab'],
      refused: [told('abc', ['', 'abc is long'])],
    },
  ),
  field('keys that need escapes in a path', () => z.object({ 'a/b~c': z.string().min(1), '': z.string() }), {
    twin: () => z.strictObject({ 'a/b~c': z.string().min(1), '': z.string() }),
    fits: [{ 'a/b~c': 'x', '': '' }],
    refused: [
      at({ 'a/b~c': '', '': '' }, '/a~1b~0c'),
      at({ 'a/b~c': 'x', '': 1 }, '/'),
      at({ 'a/b~c': 'x', '': '', 'd/~': 1 }, '/d~1~0'),
    ],
  }),
];
