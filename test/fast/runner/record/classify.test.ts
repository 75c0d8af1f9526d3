import { expect, test } from 'vitest';
import { PermanentError } from '../../../../core/errors.ts';
import { askedDelayMs, toErrorRecord } from '../../../../runner/record/classify.ts';

const withMetadata = (metadata: unknown): unknown =>
  toErrorRecord(Object.assign(new Error('boom'), { metadata })).metadata;

test('what JSON would lose of metadata has its name there', () => {
  const circle: Record<string, unknown> = { kept: 1, seen: new Map(), share: Number.NaN, id: 12n };
  circle.self = circle;
  expect(withMetadata({ ...circle, cause: new TypeError('why'), at: new Date(0), text: 'a\u0000' })).toEqual({
    kept: 1,
    seen: '[Map]',
    share: 'NaN',
    id: '12',
    self: { kept: 1, seen: '[Map]', share: 'NaN', id: '12', self: '[circular]' },
    cause: '[TypeError: why]',
    at: '1970-01-01T00:00:00.000Z',
    text: 'a\ufffd',
  });
});

test('metadata that is no object is kept as `value`', () => {
  expect(withMetadata(['a', 1])).toEqual({ value: ['a', 1] });
  expect(withMetadata('text')).toEqual({ value: 'text' });
  expect(withMetadata(new Set([1]))).toEqual({ value: '[Set]' });
  expect(withMetadata(undefined)).toBeNull();
  expect(withMetadata(null)).toBeNull();
});

test('of metadata beyond 16 KB as much is kept as fits, and what is cut is named', () => {
  const details = Array.from({ length: 500 }, (_, index) => ({ path: `/a/${index}`, message: 'is wrong' }));
  const kept = withMetadata({
    status: 502,
    body: '\u0001'.repeat(4_000),
    details,
    whole: { text: 'x'.repeat(9_000) },
    last: 1,
  }) as Record<string, unknown>;
  expect(kept).toMatchObject({ status: 502, last: 1, omitted: ['body', 'details', 'whole'] });
  expect(String(kept.body).replaceAll('\u0001', '')).toBe('…');
  expect(kept).not.toHaveProperty('whole');
  const list = withMetadata({ details, last: 1 }) as { details: unknown[] };
  expect(list).toMatchObject({ last: 1, omitted: ['details'] });
  expect(list.details).toEqual(details.slice(0, list.details.length));
  expect(list.details.length).toBeGreaterThan(300);
  const many = withMetadata(Object.fromEntries(details.map(({ path }) => [path.repeat(20), path])));
  for (const metadata of [
    kept,
    list,
    many,
    withMetadata('x'.repeat(100_000)),
    withMetadata('漢'.repeat(9_000)),
  ]) {
    expect(Buffer.byteLength(JSON.stringify(metadata))).toBeLessThanOrEqual(16_384);
  }
  expect(withMetadata('x'.repeat(10_000))).toEqual({ value: 'x'.repeat(10_000) });
});

test('what is behind an error is kept, from the outside to the inside, bounded in number and size', () => {
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104 });
  const all = new AggregateError([reset, 'a text', { odd: true }], 'all failed', {
    cause: new RangeError('first'),
  });
  const { causes } = toErrorRecord(new TypeError('fetch failed', { cause: all }));
  expect(causes).toEqual([
    {
      error_type: 'AggregateError',
      message: 'all failed',
      error_code: null,
      stack: expect.stringContaining('all'),
    },
    { error_type: 'RangeError', message: 'first', error_code: null, stack: expect.any(String) },
    { error_type: 'Error', message: 'read ECONNRESET', error_code: 'ECONNRESET', stack: expect.any(String) },
    { error_type: 'NonError', message: 'a text', error_code: null, stack: null },
    { error_type: 'NonError', message: '{"odd":true}', error_code: null, stack: null },
  ]);
  const one = new Error('one');
  const other = new Error('other', { cause: one });
  one.cause = other;
  expect(toErrorRecord(one).causes?.map(({ message }) => message)).toEqual(['other']);
  let deep = new Error('x'.repeat(100_000));
  for (let depth = 0; depth < 1_000; depth++) deep = new Error('y'.repeat(100_000), { cause: deep });
  expect(toErrorRecord(deep).causes).toHaveLength(8);
  expect(JSON.stringify(toErrorRecord(deep)).length).toBeLessThan(70_000);
  expect(toErrorRecord(new Error('alone'))).not.toHaveProperty('causes');
});

test('what an error asks to wait is bounded, and nothing when it is odd', () => {
  const asking = (retryAfterMs: unknown): number =>
    askedDelayMs(Object.assign(new Error('later'), { retryAfterMs }));
  const year = 366 * 86_400_000;
  expect([1_500, 1e16, Number.POSITIVE_INFINITY, -1, Number.NaN, '5', null, 5n].map(asking)).toEqual([
    ...[1_500, year, year],
    ...[0, 0, 0, 0, 0],
  ]);
});

test('whatever is thrown has a record', () => {
  expect(toErrorRecord(new Map([['a', 1]])).message).toBe('"[Map]"');
  expect(toErrorRecord({ toJSON: () => undefined }).message).toBe('"[undefined]"');
  expect(toErrorRecord(Object.create(null)).message).toBe('{}');
  expect(toErrorRecord(undefined).message).toBe('undefined');
  expect(toErrorRecord(Symbol('a')).message).toBe('Symbol(a)');
  const odd = Object.assign(new PermanentError('odd'), { name: undefined, message: 7, stack: null });
  expect(toErrorRecord(odd)).toMatchObject({
    error_type: 'Error',
    message: '7',
    stack: null,
    retryable: false,
  });
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('no');
    },
  });
  expect(toErrorRecord(hostile)).toMatchObject({ message: '[throws when it is read]' });
});
