import { expect, test } from 'vitest';
import { shownError } from '../../../process/shown_error.ts';
import { launch } from '../../support/processes.ts';

test('of an error only what says where and why is shown, and of its causes', () => {
  const inner = Object.assign(new Error('refused'), { code: '23505', detail: 'Key (token)=(s3cret)' });
  const error = Object.assign(new TypeError('failed', { cause: inner }), {
    headers: { Authorization: 'Bearer s3cret' },
    request: { body: 's3cret' },
  });
  expect(shownError(error)).toEqual({
    type: 'TypeError',
    message: 'failed',
    stack: error.stack,
    cause: { type: 'Error', message: 'refused', code: '23505', stack: inner.stack },
  });
  expect(shownError('s3cret')).toEqual({
    type: 'string',
    message: 'a value that is not an Error was thrown',
  });
  const circle = new Error('round');
  circle.cause = circle;
  expect(JSON.stringify(shownError(circle)).length).toBeLessThan(50_000);
});

test('the log of a process shows errors so, and no more', async () => {
  const { output, exited } = launch('test/system/process/fixtures/log_an_error.ts', {});
  expect(await exited).toBe(0);
  expect(output()).toContain('"message":"failed"');
  expect(output()).not.toContain('s3cret');
});
