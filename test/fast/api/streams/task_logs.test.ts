import { expect, test } from 'vitest';
import { call, startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { scripted, taskWithLines, upTo } from './streaming.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const NOWHERE = '01a00000-0000-7000-8000-000000000000';

test('the lines of a task come in pages, in order, each with what was logged', async () => {
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      scripted('t.logs', (_payload, { log, attempt }) => {
        log.info({ amount: 3 }, 'one');
        log.warn('two');
        if (attempt === 1) throw new Error('again');
      }),
    ]),
  });
  const { id } = await submitOne(pool, { name: 't.logs', payload: {} });
  await finished(pool, id);
  const page = await api.call('GET', `/v1/tasks/${id}/logs`);
  expect(page.status).toBe(200);
  const at = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(page.body).toEqual({
    items: [
      { seq: 1, attempt: 1, level: 'info', message: 'one', fields: { amount: 3 }, at },
      { seq: 2, attempt: 1, level: 'warn', message: 'two', fields: null, at },
      { seq: 3, attempt: 2, level: 'info', message: 'one', fields: { amount: 3 }, at },
      { seq: 4, attempt: 2, level: 'warn', message: 'two', fields: null, at },
    ],
    next_after: 4,
    has_more: false,
    state: 'succeeded',
  });
});

test('pages follow each other by next_after until there is no more', async () => {
  const id = await taskWithLines(pool, 25, { state: 'running' });
  const sizes: number[] = [];
  const seen: number[] = [];
  for (let after = 0, hasMore = true; hasMore; ) {
    const { body } = await api.call('GET', `/v1/tasks/${id}/logs?page_size=10&after=${after}`);
    sizes.push(body.items.length);
    seen.push(...body.items.map(({ seq }: { seq: number }) => seq));
    ({ next_after: after, has_more: hasMore } = body);
  }
  expect(sizes).toEqual([10, 10, 5]);
  expect(seen).toEqual(upTo(25));
  const { body } = await api.call('GET', `/v1/tasks/${id}/logs?after=25`);
  expect(body).toEqual({ items: [], next_after: 25, has_more: false, state: 'running' });
});

test('a page of long lines ends before it is too large, and has one line at least', async () => {
  const id = await taskWithLines(pool, 20, { length: 1_000_000 });
  const first = await api.call('GET', `/v1/tasks/${id}/logs`);
  expect(first.body.items.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4]);
  expect(first.body.has_more).toBe(true);
  const huge = await taskWithLines(pool, 2, { length: 5_000_000 });
  const { body } = await api.call('GET', `/v1/tasks/${huge}/logs`);
  expect(body).toMatchObject({ next_after: 1, has_more: true });
});

test.each([
  ['after=-1', 'after'],
  ['after=x', 'after'],
  ['after=1000000000', 'after'],
  ['page_size=0', 'page_size'],
  ['page_size=1001', 'page_size'],
])('%s is refused', async (query, field) => {
  const { status, body } = await api.call('GET', `/v1/tasks/${NOWHERE}/logs?${query}`);
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'VALIDATION_FAILED', details: [{ path: `/query/${field}` }] });
});

test('of a task that is not there is nothing to be read, in pages or as a stream', async () => {
  for (const path of ['logs', 'events']) {
    for (const accept of ['application/json', 'text/event-stream']) {
      const { status, body } = await call(api.url, 'GET', `/v1/tasks/${NOWHERE}/${path}`, undefined, {
        accept,
      });
      expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    }
  }
});

test.each([
  ['logs', 'x'],
  ['logs', '-1'],
  ['logs', '1.5'],
  ['logs', '1234567890'],
  ['events', '5'],
  ['events', '0-'],
  ['events', '1-zz'],
])('a stream of %s does not go on after %s', async (path, last) => {
  const headers = { accept: 'text/event-stream', 'last-event-id': last };
  const { status, body } = await api.call('GET', `/v1/tasks/${NOWHERE}/${path}`, undefined, headers);
  expect(status).toBe(400);
  expect(body).toMatchObject({
    code: 'VALIDATION_FAILED',
    details: expect.arrayContaining([expect.objectContaining({ path: '/headers/last-event-id' })]),
  });
});
