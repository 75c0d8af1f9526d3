import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MAX_DEPTH } from '../../../../core/json/json_text.ts';
import { losslessJson } from '../../../../core/json/lossless.ts';
import { nested } from '../arbitraries.ts';

/** What is wrong with a value, by its path. */
function problemsOf(value: unknown): Record<string, string> {
  const json = losslessJson(value, '/result');
  return json.ok ? {} : Object.fromEntries(json.details.map(({ path, message }) => [path, message]));
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
/** As the builders of queries are: it runs when it is awaited. */
class Query {
  readonly table = 'tasks';
}
Reflect.set(Query.prototype, 'then', () => {});
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };
const sparse: unknown[] = [1];
sparse[2] = 3;
const circle: { inner: { back?: unknown } } = { inner: {} };
circle.inner.back = circle;
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

describe('what JSON would lose or change is told, with what to do', () => {
  test.each<[string, unknown, string]>([
    [
      'a Map',
      new Map([['a', 1]]),
      'is an instance of Map, and JSON keeps nothing of it: return Object.fromEntries(it) or [...it]',
    ],
    ['a Set', new Set([1]), 'is an instance of Set, and JSON keeps nothing of it: return [...it]'],
    ['a WeakMap', new WeakMap(), 'is an instance of WeakMap, and JSON keeps nothing of it: leave it out'],
    ['a promise', Promise.resolve(1), 'is a promise that was not awaited: await it first'],
    ['what can be awaited', new Query(), 'is a promise that was not awaited'],
    [
      'an Error',
      new TypeError('boom'),
      'is an instance of TypeError, and JSON keeps nothing of it: return its message, or throw it',
    ],
    ['an Error with a code', Object.assign(new Error('boom'), { code: 'E' }), 'is an instance of Error'],
    ['a RegExp', /a/g, 'is an instance of RegExp, and JSON keeps nothing of it: return its source'],
    ['a function', () => 1, 'is a function, which JSON leaves out: return a value that JSON has'],
    ['a class', Money, 'is a function'],
    ['raw JSON', rawJSON('9007199254740993'), 'is raw JSON: return its value, or a text'],
    ['a symbol', Symbol('a'), 'is a symbol, which JSON leaves out'],
    ['a boxed symbol', Object(Symbol('a')), 'is a symbol, which JSON leaves out'],
    ['a bigint', 12n, 'is the bigint 12, which JSON cannot represent: return a text instead'],
    ['a boxed bigint', Object(12n), 'is the bigint 12'],
    ['NaN', Number.NaN, 'is NaN, which JSON turns into null: return null or a text instead'],
    ['Infinity', Number.POSITIVE_INFINITY, 'is Infinity, which JSON turns into null'],
    ['-Infinity', Number.NEGATIVE_INFINITY, 'is -Infinity, which JSON turns into null'],
    ['a boxed NaN', Object(Number.NaN), 'is NaN'],
    ['an invalid date', new Date(Number.NaN), 'is an invalid Date, which JSON turns into null'],
    [
      'a typed array',
      new Float64Array(1),
      'is a typed array (Float64Array), which JSON turns into an object: return Array.from(it), or text in base64',
    ],
    [
      'an ArrayBuffer',
      new ArrayBuffer(1),
      'is an instance of ArrayBuffer, and JSON keeps nothing of it: return text in base64',
    ],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'is an instance of DataView'],
    ['an iterator', [1].values(), 'and JSON keeps nothing of it: return [...it]'],
    ['an iterator helper', [1].values().map(String), 'and JSON keeps nothing of it: return [...it]'],
    [
      'a generator',
      (function* () {
        yield 1;
      })(),
      'and JSON keeps nothing of it: return [...it]',
    ],
    [
      'an async generator',
      (async function* () {
        yield 1;
      })(),
      'and JSON keeps nothing of it: return [...it]',
    ],
    [
      'what can be read as a list',
      new URLSearchParams('a=1'),
      'is an instance of URLSearchParams, and JSON keeps nothing of it: return a plain object',
    ],
    ['headers', new Headers({ a: '1' }), 'is an instance of Headers, and JSON keeps nothing of it'],
    ['an answer', new Response('text'), 'is an instance of Response, and JSON keeps nothing of it'],
    [
      'an instance that keeps all in private',
      new Sealed(),
      'is an instance of Sealed, and JSON keeps nothing of it: return a plain object with its data, or define a toJSON',
    ],
    ['what only inherits', Object.create({ a: 1 }), 'and JSON keeps nothing of it'],
    ['only symbols as keys', { [Symbol('a')]: 1 }, 'is an instance of Object, and JSON keeps nothing of it'],
    ['only hidden properties', Object.defineProperty({}, 'a', { value: 1 }), 'and JSON keeps nothing of it'],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no');
        },
      },
      'throws when it is read: no',
    ],
    ['a toJSON that gives nothing', { toJSON: () => undefined }, 'has a toJSON that returns undefined'],
    ['a toJSON that gives what is none', { toJSON: () => Number.NaN }, 'is NaN'],
    ['a proxy that was revoked', revoked, 'throws when it is read'],
    [
      'what throws no error',
      {
        get a() {
          throw Object.create(null);
        },
      },
      'throws when it is read: object',
    ],
    ['NUL', 'a\u0000b', 'contains the character NUL (\\u0000), which Postgres cannot store, got "a\\u0000b"'],
    ['a lone surrogate', '\ud800', 'contains a lone surrogate'],
  ])('%s', (_what, value, message) => {
    const [[path, told] = [], ...others] = Object.entries(problemsOf({ 'a/b': [0, value] }));
    expect(path).toMatch(/^\/result\/a~1b\/1/);
    expect(told).toContain(message);
    expect(others).toEqual([]);
    expect(Object.values(problemsOf(value))).toEqual([told]);
  });

  test('a promise that fails, which then does not end the process', async () => {
    expect(problemsOf([Promise.reject(new Error('nobody awaits it'))])).toEqual({
      '/result/0': 'is a promise that was not awaited: await it first',
    });
    // Vitest fails the run for a rejection that nobody handles, as Node would end the process.
    await setImmediate();
  });

  test('undefined and holes of an array', () => {
    const message = 'is undefined, which JSON turns into null: return null or a text instead';
    expect(problemsOf([1, undefined])).toEqual({ '/result/1': message });
    expect(problemsOf(sparse)).toEqual({ '/result/1': message });
    expect(problemsOf(undefined)).toEqual({ '/result': message });
  });

  test('what is thrown by a getter, at its place, and all else that is wrong', () => {
    const value = {
      first: 1n,
      one: {
        get a() {
          throw new Error('no');
        },
      },
      last: Number.NaN,
    };
    expect(problemsOf(value)).toMatchObject({
      '/result/first': expect.stringContaining('bigint'),
      '/result/one/a': 'throws when it is read: no',
      '/result/last': expect.stringContaining('NaN'),
    });
  });

  test('a circle, where it closes', () => {
    const message = 'refers to an object that contains it, which JSON cannot represent: return an id instead';
    expect(problemsOf(circle)).toEqual({ '/result/inner/back': message });
    const list: unknown[] = [];
    list.push(list);
    expect(problemsOf(list)).toEqual({ '/result/0': message });
  });

  test('keys that reach a prototype, or that Postgres can not hold', () => {
    expect(
      Object.keys(problemsOf(JSON.parse('{"a":{"__proto__":1},"constructor":{"prototype":1}}'))),
    ).toEqual(['/result/a/__proto__', '/result/constructor']);
    expect(Object.values(problemsOf({ 'a\u0000': 1 }))).toEqual([
      expect.stringContaining('has a key that contains'),
    ]);
  });

  test('nesting over 64 levels, however deep it is', () => {
    expect(problemsOf(JSON.parse(nested(MAX_DEPTH)))).toEqual({});
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = level % 2 ? { deep } : [deep];
    expect(Object.values(problemsOf(deep))).toEqual(['is nested deeper than 64 levels']);
    const endless = { toJSON: () => ({ more: endless }) };
    expect(Object.values(problemsOf(endless))).toEqual(['is nested deeper than 64 levels']);
  });

  test('up to 100 problems', () => {
    const wrong = Array.from({ length: 5_000 }, () => [Number.NaN]);
    expect(Object.keys(problemsOf(wrong))).toHaveLength(100);
    const holes: unknown[] = [];
    holes.length = 1e9;
    expect(Object.keys(problemsOf(holes))).toHaveLength(100);
  });

  test('more parts than any result can have, however few objects they are', () => {
    // As a tree it has 2^40 parts.
    let shared: unknown = 1;
    for (let level = 0; level < 40; level++) shared = [shared, shared];
    expect(problemsOf(shared)).toEqual({ '/result': expect.stringContaining('has more than 5242880 parts') });
  });
});
