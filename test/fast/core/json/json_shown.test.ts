import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  detail,
  got,
  pointerPart,
  storageProblems,
  textProblem,
  valueAt,
} from '../../../../core/json/json.ts';
import { anyText, jsonOf } from '../arbitraries.ts';

// What is shown of a wrong value, and where it is.

/** Every part of a value with its JSON Pointer. */
function partsOf(value: unknown, path = ''): [string, unknown][] {
  const below =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, part]) => partsOf(part, `${path}/${pointerPart(key)}`))
      : [];
  return [[path, value], ...below];
}

test('valueAt finds every part of a value by its pointer', () => {
  fc.assert(
    fc.property(jsonOf(anyText), (value) => {
      for (const [pointer, part] of partsOf(value)) expect(valueAt(value, pointer)).toBe(part);
    }),
  );
});

test('valueAt gives undefined for what is not there, inherited or inside of something simple', () => {
  const value = { a: [1, 'text'], b: null };
  for (const pointer of ['/c', '/a/2', '/a/0/x', '/a/1/0', '/b/x', '/toString', '/__proto__']) {
    expect([pointer, valueAt(value, pointer)]).toEqual([pointer, undefined]);
  }
});

test('got ends a message with the value, shortened, or with nothing when there is none', () => {
  expect([got('x'), got([1, { a: null }]), got(undefined)]).toEqual([
    ', got "x"',
    ', got [1,{"a":null}]',
    '',
  ]);
  fc.assert(
    fc.property(jsonOf(anyText), (value) => {
      expect(got(value)).toMatch(/^, got ./);
      expect(got(value).length).toBeLessThan(120);
      expect(got(value).isWellFormed()).toBe(true);
    }),
  );
});

test('got shows the start of the whole value', () => {
  /** As JSON.stringify has it, however long it is. */
  const whole = (value: unknown): string => {
    const text = JSON.stringify(value);
    return `, got ${text.length <= 100 ? text : `${text.slice(0, 100).toWellFormed()}…`}`;
  };
  const long = fc.string({ minLength: 90, maxLength: 120 });
  const many = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 40, maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(jsonOf(anyText), jsonOf(long), many), (value) => {
      expect(got(value)).toBe(whole(value));
    }),
  );
});

test('got looks at no more of a value than it shows', () => {
  let looked = 0;
  const item = {
    get part(): number {
      return ++looked;
    },
  };
  got(Array(100_000).fill(item));
  got({ nested: [Array(100_000).fill(item)] });
  expect(looked).toBeLessThan(300);
});

test('a detail can be stored and sent, whatever keys its path has', () => {
  fc.assert(
    fc.property(fc.array(anyText), (keys) => {
      const { path, message } = detail(keys.map((key) => `/${pointerPart(key)}`).join(''), 'is wrong');
      expect([textProblem(path), message]).toEqual([null, 'is wrong']);
    }),
  );
  expect(detail(`/${'k'.repeat(1_000_000)}`, '').path.length).toBeLessThan(1_000);
  expect(detail(`/${'😀'.repeat(1_000)}`, '').path.isWellFormed()).toBe(true);
  expect(detail('', 'm'.repeat(1_000_000)).message.length).toBeLessThan(3_000);
});

test('the problems of a value are never much bigger than what is worth reading', () => {
  const value = { ['k'.repeat(1_000_000)]: Array(1_000).fill('\u0000'.repeat(10_000)) };
  expect(JSON.stringify(storageProblems(value, '')).length).toBeLessThan(200_000);
  const keys = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}\u0000`, 1]));
  expect(storageProblems(keys, '')).toHaveLength(100);
});
