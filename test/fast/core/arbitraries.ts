import fc from 'fast-check';

/** Any text at all: also NUL, lone surrogates, what looks like an escape, and names that objects inherit. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '\u0000',
    '\ud800',
    'a\udfff',
    '\\u0000',
    'constructor',
    'prototype',
    'toString',
    '😀',
    '~/',
  ),
);

/** Texts that Postgres can hold. */
export const goodText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => !text.includes('\u0000')),
  fc.constantFrom('', '\\u0000', '~', '/', '~1', ' ', '\n', '"', '😀', 'ÿ', '\u2028', '\ufeff', '\uffff'),
);

/** Numbers with their extremes; JSON knows no negative zero. */
const anyNumber: fc.Arbitrary<number> = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(0, Number.MAX_VALUE, Number.MIN_VALUE, -Number.MAX_VALUE, 2 ** 53, 0.1, 1e21, 1e-7),
  )
  .map((number) => number + 0 || 0);

/** JSON values whose texts, and keys, are of the given kind. */
export function jsonOf(text: fc.Arbitrary<string>, keys: fc.Arbitrary<string> = text): fc.Arbitrary<unknown> {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.oneof(fc.constant(null), fc.boolean(), anyNumber, text),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  return value;
}

/** `depth` arrays and objects in each other. */
export function nested(depth: number): string {
  const half = Math.floor(depth / 2);
  return `${'[{"a":'.repeat(half)}${'['.repeat(depth % 2)}${depth % 2 ? '' : '1'}${']'.repeat(depth % 2)}${'}]'.repeat(half)}`;
}
