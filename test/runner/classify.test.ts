import { expect, test } from 'vitest';
import { PermanentError } from '../../core/errors.ts';
import { toErrorRecord } from '../../runner/classify.ts';

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
  expect(withMetadata('x'.repeat(100_001))).toEqual({ omitted: 'metadata of 100003 characters' });
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
