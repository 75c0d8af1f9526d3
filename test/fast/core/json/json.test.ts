import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pointerPart, sanitizeText, storageProblems, textProblem } from '../../../../core/json/json.ts';
import { MAX_DEPTH, parseJson } from '../../../../core/json/json_text.ts';
import { anyText, goodText, jsonOf, nested } from '../arbitraries.ts';

/** The messages for a value, by path. */
function problems(value: unknown): Record<string, string> {
  return Object.fromEntries(storageProblems(value, '').map(({ path, message }) => [path, message]));
}

describe('parseJson', () => {
  test('without integers beyond 2^53 it is JSON.parse', () => {
    fc.assert(
      fc.property(jsonOf(anyText), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\d{16}(?![\d.e])/.test(text));
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('what is not JSON is a SyntaxError', () => {
    for (const text of ['', '{', '{"a":01}', 'undefined', "{'a':1}", '[1,]', 'NaN']) {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
  });

  /** What a double is as JSON, or null when it is no number there. */
  function writtenBack(value: number): bigint | null {
    const [, whole = '', fraction = '', exponent = '0'] =
      /^(-?\d+)\.?(\d*)(?:e\+(\d+))?$/.exec(JSON.stringify(value)) ?? [];
    return whole === '' ? null : BigInt(whole + fraction) * 10n ** BigInt(Number(exponent) - fraction.length);
  }

  test('an integer comes back with the same digits or is reported, however long and wherever it is', () => {
    const digits = fc.oneof(
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      fc.bigInt({ min: 2n ** 53n - 5n, max: 2n ** 53n + 5n }),
      fc.integer({ min: 20, max: 400 }).map((length) => 10n ** BigInt(length) + 1n),
    );
    fc.assert(
      fc.property(digits, fc.constantFrom('@', '[1,@]', '{"a": {"b":[@ ]}}'), (integer, around) => {
        const text = around.replace('@', String(integer));
        const value = parseJson(text);
        const reported = storageProblems(value, '').length > 0;
        // An exact double can be written with other digits than it came with: 30023997515803312 as …310.
        const isKept = writtenBack(Number(integer)) === integer;
        expect([integer, reported]).toEqual([integer, !isKept]);
        if (isKept) expect(value).toEqual(JSON.parse(text));
      }),
      {
        examples: [
          [-30023997515803312n, '@'],
          [2n ** 70n, '@'],
        ],
      },
    );
  });

  test('2^53 and its neighbours: the even ones are exact, the odd one is not', () => {
    expect(parseJson('[9007199254740991,9007199254740992,9007199254740994]')).toEqual([
      2 ** 53 - 1,
      2 ** 53,
      2 ** 53 + 2,
    ]);
    expect(problems(parseJson('{"id":9007199254740993}'))).toEqual({
      '/id': expect.stringContaining('is an integer beyond ±2^53'),
    });
  });

  test('fractions are rounded as everywhere, and long digits in a text stay a text', () => {
    expect(parseJson('[0.12345678901234567890, "12345678901234567890"]')).toEqual([
      0.12345678901234568,
      '12345678901234567890',
    ]);
  });

  test('numbers beyond the range of a double are reported', () => {
    expect(problems(parseJson(`[1e400, -1e400, ${'9'.repeat(400)}]`))).toEqual({
      '/0': expect.stringContaining('is a number outside the range of a double'),
      '/1': expect.stringContaining('is a number outside the range of a double'),
      '/2': expect.stringContaining('is a number outside the range of a double'),
    });
  });

  test('depth does not exhaust the stack, whatever digits there are', () => {
    const text = `[${'['.repeat(500_000)}${']'.repeat(500_000)},1234567890123456]`;
    const [problem, ...others] = storageProblems(parseJson(text), '');
    expect(problem?.message).toContain(`is nested deeper than ${MAX_DEPTH} levels`);
    expect(problem?.path).toMatch(/^(\/0)+…?$/);
    expect(others).toEqual([]);
  });
});

describe('storageProblems', () => {
  test('nothing is wrong with what has good texts and keys', () => {
    fc.assert(
      fc.property(jsonOf(goodText), (value) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__"'));
        expect(problems(value)).toEqual({});
      }),
    );
  });

  test('every bad text is found, at its place', () => {
    const value = { a: ['fine', 'x\u0000'], 'b/c~d': { e: '\ud800' }, 'f\u0000': 1, g: 'ok' };
    expect(problems(value)).toEqual({
      '/a/1': expect.stringContaining('contains the character NUL'),
      '/b~1c~0d/e': expect.stringContaining('contains a lone surrogate'),
      '/f\uFFFD': expect.stringContaining('has a key that contains the character NUL'),
    });
  });

  test('the path begins where the value is, and a value may be wrong itself', () => {
    expect(storageProblems('\u0000', '/payload')).toMatchObject([{ path: '/payload' }]);
    expect(storageProblems([Number.NaN], '/body')).toMatchObject([{ path: '/body/0' }]);
  });

  test(`${MAX_DEPTH} levels are accepted and one more is not`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 * MAX_DEPTH }), (depth) => {
        const found = Object.values(problems(JSON.parse(nested(depth))));
        const tooDeep = expect.stringContaining(`is nested deeper than ${MAX_DEPTH} levels`);
        expect(found).toEqual(depth <= MAX_DEPTH ? [] : [tooDeep]);
      }),
    );
  });

  test('prototype keys are refused at any depth, a mere `constructor` or `prototype` is not', () => {
    expect(Object.keys(problems(JSON.parse('{"a":{"__proto__":{"x":1}}}')))).toEqual(['/a/__proto__']);
    expect(Object.keys(problems(JSON.parse('[{"constructor":{"prototype":1}}]')))).toEqual([
      '/0/constructor',
    ]);
    for (const text of [
      '{"constructor":"Gaudí"}',
      '{"constructor":{}}',
      '{"constructor":null}',
      '{"prototype":{}}',
    ]) {
      expect(problems(JSON.parse(text))).toEqual({});
    }
  });

  test('a hundred problems are enough', () => {
    expect(storageProblems(Array(5_000).fill('\u0000'), '')).toHaveLength(100);
    expect(storageProblems({ a: Array(99).fill('\u0000'), b: ['\u0000', '\u0000'] }, '')).toHaveLength(100);
  });
});

describe('texts', () => {
  test('textProblem and sanitizeText agree: a text is fine when nothing has to be replaced', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const sane = sanitizeText(text);
        expect(textProblem(sane)).toBeNull();
        expect(textProblem(text) === null).toBe(sane === text);
        expect(sane).toHaveLength(text.length);
        expect(sanitizeText(sane)).toBe(sane);
      }),
    );
  });

  test('pointerPart escapes so that the key can be read back (RFC 6901)', () => {
    fc.assert(
      fc.property(anyText, (key) => {
        const part = pointerPart(key);
        expect(part).not.toContain('/');
        expect(part.replaceAll('~1', '/').replaceAll('~0', '~')).toBe(key);
      }),
    );
  });
});
