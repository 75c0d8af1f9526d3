import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { losslessJson, shownJson } from '../../../../core/json/lossless.ts';
import { nested } from '../arbitraries.ts';

/** A value as it would be recorded; throws when it can not be. */
function jsonOf(value: unknown): unknown {
  const json = losslessJson(value, '/result');
  if (!json.ok) throw new Error(JSON.stringify(json.details));
  return json.value;
}

class Money {
  readonly amount: number;
  readonly #secret = 'hidden';
  constructor(amount: number) {
    this.amount = amount;
  }
  get secret(): string {
    return this.#secret;
  }
}
class Sealed {
  readonly #value = 7;
  get value(): number {
    return this.#value;
  }
}
class Price extends Sealed {
  toJSON(): unknown {
    return { value: this.value, at: new Date(0) };
  }
}
const circle: { inner: { back?: unknown } } = { inner: {} };
circle.inner.back = circle;

describe('what is fine is what JSON.stringify makes of it', () => {
  const shared = { n: 1 };
  test.each<[string, unknown]>([
    ['null', null],
    ['plain values', { a: [1, 'x', true, null, { b: {} }, []], 'ä"\n': -1.5e-7 }],
    ['properties that are undefined', { a: undefined, b: { c: undefined } }],
    ['a date', { at: new Date(1_763_721_234_567) }],
    ['what has a toJSON', [new Price(), new URL('https://example.com/ä'), Buffer.from('abc')]],
    ['boxed primitives', [Object(1), Object('a'), Object(true)]],
    ['an instance with data', new Money(4.35)],
    ['negative zero', [-0, { a: -0 }]],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['an empty one', Object.create(null)],
    ['an object of another realm', runInNewContext('({ empty: {}, list: [new Date(0)], n: 1 })')],
    ['one object at two places', [shared, { shared }]],
    ['an array of a class of its own', class extends Array {}.from([1, 2])],
    [
      'a getter of its own',
      {
        get a() {
          return 1;
        },
      },
    ],
    ['a key like those of prototypes', { constructor: 'a', prototype: { toString: 1 } }],
    ['integers beyond 2^53', [2 ** 60, 1e300]],
  ])('%s', (_what, value) => {
    expect(JSON.stringify(jsonOf(value))).toBe(JSON.stringify(value));
    expect(jsonOf(value)).toEqual(JSON.parse(JSON.stringify(value)));
  });

  test('in a copy, of which each part was read once', () => {
    let reads = 0;
    const value = {
      list: [1],
      get next() {
        return ++reads;
      },
      date: { toJSON: () => ++reads },
    };
    const json = jsonOf(value) as typeof value;
    expect(json).toEqual({ list: [1], next: 1, date: 2 });
    value.list.push(2);
    expect([json.list, reads]).toEqual([[1], 2]);
  });

  test('and a toJSON of the program for bigints is heeded', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = function (this: bigint) {
      return `${this}n`;
    };
    try {
      expect(jsonOf([12n])).toEqual(['12n']);
    } finally {
      delete prototype.toJSON;
    }
  });
});

describe('what must be recorded has names for what JSON would lose', () => {
  test.each<[unknown, unknown]>([
    [new Map(), '[Map]'],
    [new TypeError('boom'), '[TypeError: boom]'],
    [Promise.resolve(), '[a promise]'],
    [() => 1, '[a function]'],
    [new Sealed(), '[Sealed]'],
    [9_007_199_254_740_993n, '9007199254740993'],
    [Number.NaN, 'NaN'],
    [new Date(Number.NaN), 'Invalid Date'],
    ['a\u0000', 'a\ufffd'],
    [new Uint8Array(2), '[Uint8Array]'],
    [JSON.parse(nested(100)), expect.anything()],
  ])('%o', (value, shown) => {
    expect(shownJson({ value, kept: 1 })).toEqual({ value: shown, kept: 1 });
  });

  test('also for keys, circles and holes', () => {
    expect(shownJson({ ...JSON.parse('{"__proto__":1}'), circle, 'a\u0000': [undefined] })).toEqual({
      '[__proto__]': 1,
      circle: { inner: { back: '[circular]' } },
      '[a\ufffd]': [null],
    });
  });

  test('unless that is nearly all', () => {
    expect(shownJson(Array.from({ length: 200 }, () => Number.NaN))).toEqual(
      expect.stringContaining('too many'),
    );
  });
});
