import { expect, test } from 'vitest';
import { CommandError, EXIT, UsageError } from '../../../cli/exit_codes.ts';
import { failureOf, Interrupted } from '../../../cli/failure.ts';
import {
  CircuitOpenError,
  ConnectionError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  TimeoutError,
  UnauthorizedError,
  UnavailableError,
  ValidationError,
} from '../../../client/index.ts';

test.each([
  [new UsageError('x'), EXIT.usage],
  [new CommandError('x'), EXIT.failed],
  [new Interrupted(), EXIT.interrupted],
  [new ValidationError('x', { code: 'VALIDATION_FAILED', status: 400 }), EXIT.failed],
  [new NotFoundError('x', { code: 'NOT_FOUND', status: 404 }), EXIT.failed],
  [new UnauthorizedError('x', { code: 'UNAUTHORIZED', status: 401 }), EXIT.unauthorised],
  [new ForbiddenError('x', { code: 'FORBIDDEN', status: 403 }), EXIT.unauthorised],
  [new ConnectionError('x', { code: 'CONNECTION_FAILED' }), EXIT.unavailable],
  [new UnavailableError('x', { code: 'SERVICE_UNAVAILABLE', status: 503 }), EXIT.unavailable],
  [new RateLimitedError('x', { code: 'RATE_LIMITED', status: 429 }), EXIT.unavailable],
  [new CircuitOpenError('x', { code: 'CIRCUIT_OPEN' }), EXIT.unavailable],
  [new TimeoutError('x', { code: 'TIMEOUT' }), EXIT.unavailable],
  [new TimeoutError('x', { code: 'WAIT_TIMEOUT' }), EXIT.unfinished],
  [new Error('a fault of ours'), EXIT.failed],
])('%s ends the command with %d', (error, code) => {
  expect(failureOf(error).code).toBe(code);
});

test('problems are listed with their places, up to twenty', () => {
  const details = Array.from({ length: 25 }, (_, index) => ({
    path: `/body/payload/${index}`,
    message: 'bad',
  }));
  const { lines } = failureOf(
    new ValidationError('No', { code: 'VALIDATION_FAILED', status: 400, details, requestId: 'r1' }),
  );
  expect(lines[0]).toBe('No (request r1)');
  expect(lines[1]).toBe('  /payload/0: bad');
  expect(lines.at(-1)).toBe('  and 5 more');
  expect(lines).toHaveLength(22);
});

test('a message of the API recommends commands, and does nothing on a terminal', () => {
  const message =
    'Use PATCH /v1/tasks/01a2/retry,\u001B[2J DELETE /v1/tasks/01a2 or PUT /v1/queues/a.b/resume.';
  const { lines } = failureOf(new NotFoundError(message, { code: 'NOT_FOUND', status: 404 }));
  expect(lines).toEqual(['Use errand retry 01a2, errand cancel 01a2 or errand resume a.b.']);
});
