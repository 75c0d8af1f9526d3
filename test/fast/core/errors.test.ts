import { expect, test } from 'vitest';
import { ErrandError, type ErrorCode, PermanentError, STATUS_BY_CODE } from '../../../core/errors.ts';

test('every code has the status of the specification (A3)', () => {
  const specified: Record<ErrorCode, number> = {
    NOT_FOUND: 404,
    BAD_REQUEST: 400,
    VALIDATION_FAILED: 400,
    UNAUTHORIZED: 401,
    FORBIDDEN: 403,
    METHOD_NOT_ALLOWED: 405,
    CONFLICT: 409,
    PAYLOAD_TOO_LARGE: 413,
    UNSUPPORTED_MEDIA_TYPE: 415,
    RATE_LIMITED: 429,
    REQUEST_TIMEOUT: 408,
    SERVICE_UNAVAILABLE: 503,
    CIRCUIT_OPEN: 503,
    INTERNAL_ERROR: 500,
  };
  expect(STATUS_BY_CODE).toEqual(specified);
});

test('an ErrandError carries its code, and details, headers and cause when it is given them', () => {
  const plain = new ErrandError('CONFLICT', 'taken');
  expect(plain).toMatchObject({ name: 'ErrandError', message: 'taken', code: 'CONFLICT', headers: {} });
  expect([plain.details, plain.cause]).toEqual([undefined, undefined]);

  const cause = new Error('below');
  const details = [{ path: '/body', message: 'is wrong' }];
  const full = new ErrandError('RATE_LIMITED', 'slow down', {
    details,
    headers: { 'retry-after': '3' },
    cause,
  });
  expect(full).toMatchObject({ details, headers: { 'retry-after': '3' }, cause });
  expect(full).toBeInstanceOf(Error);
});

test('a PermanentError carries what the record keeps of it', () => {
  const plain = new PermanentError('no use');
  expect(plain).toMatchObject({ name: 'PermanentError', message: 'no use' });
  expect([plain.code, plain.metadata, plain.cause]).toEqual([undefined, undefined, undefined]);

  const full = new PermanentError('gone', { code: 'GONE', metadata: { id: 1 }, cause: 'why' });
  expect(full).toMatchObject({ code: 'GONE', metadata: { id: 1 }, cause: 'why' });
});
