import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { storageProblems } from '../../../../core/json/json.ts';
import { MAX_NAMES, MAX_OBJECTS, parseJson, surveyJson } from '../../../../core/json/json_text.ts';
import { anyText, jsonOf, nested } from '../arbitraries.ts';

/** How many properties and items a value has in it; where there is none, that counts as one. */
function partsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const parts = Object.values(value);
  return Math.max(1, parts.length) + parts.reduce((sum: number, part) => sum + partsIn(part), 0);
}

/** A number as somebody may write it: short and long, in range and out of it. */
const digits = fc.stringMatching(/^(0|[1-9]\d{0,22})$/);
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits,
    fc.constantFrom('', '.0', '.5', '.10', `.${'0'.repeat(20)}1`, `.${'0'.repeat(400)}7`),
    fc.constantFrom('', 'e0', 'E+3', 'e-3', 'e15', 'e-400', 'e400', 'e308'),
  )
  .map((parts) => parts.join(''));

/** The numbers that a double changes, as the parser itself says how each was written. */
function changedNumbers(text: string): string[] {
  const changed: string[] = [];
  JSON.parse(text, (_key, item: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof item === 'number' && source !== undefined && isChanged(item, source)) changed.push(source);
    return item;
  });
  return changed;
}

/** It becomes infinite or nothing, or is an integer that would be written again as another one. */
function isChanged(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true;
  const integer = integerOf(source);
  if (value === 0) return integer !== 0n;
  return integer !== null && integer !== integerOf(String(value));
}

/** The amount of the integer that a number is, whatever it is written like, or null. */
function integerOf(source: string): bigint | null {
  const [, whole, fraction = '', exponent = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?$/i.exec(source) ?? [];
  const all = BigInt(`${whole}${fraction}`);
  const power = Number(exponent) - fraction.length;
  const unit = 10n ** BigInt(Math.abs(power));
  if (power >= 0) return all * unit;
  return all % unit === 0n ? all / unit : null;
}

const deep = fc.integer({ min: 60, max: 70 }).map(nested);

describe('surveyJson', () => {
  test('counts the values of any JSON', () => {
    const withSpace = fc.tuple(jsonOf(anyText), fc.constantFrom(0, 1));
    fc.assert(
      fc.property(withSpace, ([value, space]) => {
        const text = JSON.stringify(value, null, space);
        const counted = surveyJson(text).values;
        expect(counted).toBe(1 + partsIn(JSON.parse(text)));
      }),
    );
  });

  test('nothing is found in what it says can be stored', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          jsonOf(anyText).map((value) => JSON.stringify(value)),
          deep,
        ),
        (text) => {
          const problems = storageProblems(parseJson(text), '');
          if (problems.length > 0) expect(surveyJson(text).isDoubtful).toBe(true);
        },
      ),
    );
  });

  test('it is not bothered by what is in texts', () => {
    const text = '{"a,:[{\\"":"1e999,12345678901234567890\\\\","b":"]}"}';
    expect(surveyJson(text)).toMatchObject({ values: 3, unheld: [] });
    expect(surveyJson('"plain [text, with: all"')).toEqual({
      values: 1,
      objects: 0,
      names: 0,
      unheld: [],
      isDoubtful: false,
    });
  });

  test('it counts no further than it must', () => {
    expect(surveyJson('[0,'.repeat(1_000_000)).objects).toBe(MAX_OBJECTS + 1);
    const names = Array.from({ length: 200_000 }, (_, index) => `"${index}":0`).join();
    expect(surveyJson(`{${names}}`).names).toBe(MAX_NAMES + 1);
  });

  test('equal names are counted once', () => {
    const rows = Array(50_000).fill('{"id":1, "name" :"n", "a\\"b":[]}');
    expect(surveyJson(`[${rows.join()}]`).names).toBe(3);
  });
});

describe('parseJson', () => {
  test('gives what JSON.parse gives, and reports the numbers that a double changes', () => {
    const texts = fc.array(fc.tuple(anyText, number), { maxLength: 5 }).map((pairs) => {
      const members = pairs.map(([, one], index) => `"k${index}": ${one}`);
      const items = pairs.flatMap(([text, one]) => [JSON.stringify(text), one]);
      return `{${[...members, `"list" : [ ${items.join(' , ')} ]`].join(',\n')}}`;
    });
    fc.assert(
      fc.property(texts, (text) => {
        const changed = changedNumbers(text);
        if (changed.length === 0) expect(parseJson(text)).toEqual(JSON.parse(text));
        const reported = storageProblems(parseJson(text), '').filter(({ message }) =>
          /^is an? (integer|number)/.test(message),
        );
        expect(reported).toHaveLength(changed.length);
      }),
      { numRuns: 500 },
    );
  });

  test('what is no JSON is none beside a number that a double changes, either', () => {
    const big = '9007199254740993';
    for (const text of [
      `{${big}:1}`,
      `[${big}0.1.2]`,
      `[0${big}]`,
      `[${big} ${big}]`,
      `-${big}-`,
      `${big}"`,
    ]) {
      expect(() => JSON.parse(text)).toThrow(SyntaxError);
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
  });

  test('a number of millions of digits takes no longer than its digits', () => {
    const zeros = '0'.repeat(3_000_000);
    for (const [text, count] of [
      [`12345678901234567890.${zeros}1`, 0],
      [`12345678901234567891.${zeros}`, 1],
      [`0.${zeros}1`, 1],
      [`1${zeros}`, 1],
    ] as const) {
      expect(storageProblems(parseJson(text), '')).toHaveLength(count);
    }
  });

  test('a hundred of such numbers are reported', () => {
    expect(storageProblems(parseJson(`[${Array(500).fill('1e999').join()}]`), '')).toHaveLength(100);
  });
});
