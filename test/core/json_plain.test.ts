import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlainlyStorable, MAX_DEPTH, storageProblems } from '../../core/json.ts';
import { anyText, goodText, jsonOf, nested } from './arbitraries.ts';

/** Whether the careful look finds nothing, of what JSON.stringify makes of a value. */
function isStorable(value: unknown): boolean {
  return storageProblems(JSON.parse(JSON.stringify(value)), '').length === 0;
}

test('what it says can be stored, the careful look finds nothing wrong with', () => {
  const keys = fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', 'prototype'));
  const seen = { plain: 0, wrong: 0 };
  fc.assert(
    fc.property(jsonOf(anyText, keys), keys, (value, key) => {
      for (const given of [value, Object.fromEntries([[key, value]])]) {
        const isPlain = isPlainlyStorable(JSON.stringify(given));
        if (isPlain) expect(isStorable(given)).toBe(true);
        seen.plain += Number(isPlain);
        seen.wrong += Number(!isStorable(given));
      }
    }),
    { numRuns: 3_000 },
  );
  // It has met both kinds, else it says nothing.
  expect(Math.min(seen.plain, seen.wrong)).toBeGreaterThan(100);
});

test('it says so of most that is short and good: it would save nothing otherwise', () => {
  for (const value of [
    { ok: true },
    [1.5, -1e-7, null],
    'Zürich "quoted" \\u00e4 \\ {a,b}',
    { 'a/b~c': '\n\t' },
    '😀',
  ]) {
    expect([value, isPlainlyStorable(JSON.stringify(value))]).toEqual([value, true]);
  }
});

test.each([
  ['NUL', 'a\u0000b'],
  ['NUL in a key', { 'a\u0000': 1 }],
  ['a high surrogate alone', '\ud800'],
  ['the last low surrogate alone', 'x\udfff'],
  ['a surrogate in a key', { '\udbff': 1 }],
  ['a key that reaches a prototype', JSON.parse('{"a":{"__proto__":1}}')],
  ['a constructor with a prototype', { constructor: { prototype: 1 } }],
  ['what is nested too deep', JSON.parse(nested(MAX_DEPTH + 1))],
])('it leaves %s to the careful look', (_what, value) => {
  expect(isPlainlyStorable(JSON.stringify(value))).toBe(false);
  expect(isStorable(value)).toBe(false);
});

test('the longest text that it takes can not be nested too deep', () => {
  const deep = JSON.stringify(JSON.parse('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)));
  expect([deep.length, isPlainlyStorable(deep), isStorable(JSON.parse(deep))]).toEqual([
    2 * MAX_DEPTH,
    true,
    true,
  ]);
  expect(isPlainlyStorable(`[${deep}]`)).toBe(false);
  fc.assert(
    fc.property(jsonOf(goodText), (value) => {
      const text = JSON.stringify(value);
      if (text.length > 2 * MAX_DEPTH) expect(isPlainlyStorable(text)).toBe(false);
    }),
  );
});

test('what JSON.rawJSON puts into a text as it is, is looked at, too', () => {
  const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
  for (const raw of ['1e400', '-1E+400', '"\ud800"', '"\udfff"']) {
    const text = JSON.stringify({ raw: rawJSON(raw) });
    expect(storageProblems(JSON.parse(text), '')).toHaveLength(1);
    expect([raw, isPlainlyStorable(text)]).toEqual([raw, false]);
  }
});
