import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pointerPart, storageProblems } from '../../../../core/json/json.ts';
import { losslessJson } from '../../../../core/json/lossless.ts';
import { anyText, goodText, jsonOf } from '../arbitraries.ts';

test('any JSON value is what it was, unless Postgres could not hold it, which is told as for a request', () => {
  const keys = fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', 'prototype'));
  const seen = { fine: 0, wrong: 0 };
  fc.assert(
    fc.property(jsonOf(anyText, keys), keys, (inner, key) => {
      const value = JSON.parse(JSON.stringify(Object.fromEntries([[key, inner]])));
      const json = losslessJson(value, '/a');
      const problems = storageProblems(value, '/a');
      expect(json).toEqual(
        problems.length === 0
          ? { ok: true, value }
          : {
              ok: false,
              details: expect.arrayContaining(problems.map(({ path }) => expect.objectContaining({ path }))),
            },
      );
      seen[json.ok ? 'fine' : 'wrong']++;
    }),
    { numRuns: 3_000 },
  );
  // It has met both kinds, else it says nothing.
  expect(Math.min(seen.fine, seen.wrong)).toBeGreaterThan(100);
});

test('of any value of JavaScript that it takes, it makes what JSON.stringify does', () => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  });
  const seen = { fine: 0, wrong: 0 };
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 2 }), (value) => {
      const json = losslessJson(value, '');
      if (json.ok) expect(JSON.stringify(json.value)).toBe(JSON.stringify(value));
      seen[json.ok ? 'fine' : 'wrong']++;
    }),
    { numRuns: 3_000 },
  );
  expect(Math.min(seen.fine, seen.wrong)).toBeGreaterThan(100);
});

test('what would be lost is found wherever it is, by its path, and nothing else is', () => {
  const lost = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Map(),
      new Set(),
      /a/,
      Symbol(),
    ),
    fc.constantFrom<unknown>(Promise.resolve(), new Date(Number.NaN), new Error(), () => {}, [].values()),
    fc.bigInt(),
    fc.uint8Array(),
  );
  const place = fc.array(fc.record({ key: goodText, before: jsonOf(goodText), inList: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(lost, place, (what, places) => {
      let value: unknown = [what];
      let path = '/0';
      for (const { key, before, inList } of places) {
        if (key === '__proto__' || key === 'constructor') continue;
        value = inList ? [before, value] : { [`${key} before`]: before, [key]: value };
        path = `${inList ? '/1' : `/${pointerPart(key)}`}${path}`;
      }
      const json = losslessJson(value, '/result');
      expect(json.ok ? [] : json.details.map((detail) => detail.path)).toEqual([
        `/result${path}`.length > 500 ? expect.any(String) : `/result${path}`,
      ]);
    }),
  );
});
