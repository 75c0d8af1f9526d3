import { expect, test } from 'vitest';
import { z } from 'zod';
import { upcastFrom } from '../../../../core/definitions/upcast.ts';
import { defineTask } from '../../../../core/task.ts';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { retryTask } from '../../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { registryWith } from '../definitions.ts';

const send = defineTask({
  name: 'invoice.send',
  version: '2.1.0',
  description: 'For a test',
  payload: z.object({ to: z.array(z.string()), note: z.string().optional() }),
  result: z.string(),
  example: { to: ['ann'] },
  policy: { dedup: { strategy: 'none' } },
  upcast: {
    '1.0.0': upcastFrom(z.object({ recipient: z.string() }), ({ recipient }) => ({ to: [recipient] })),
  },
});

const { pool } = await createDatabase();
const api = await startApi(pool, { registry: registryWith(send) });
const PATH = '/v1/tasks/invoice.send';
const start = () =>
  startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(send, ({ to }) => to.join())]) });

test('a submission of an older version that can be upcast is accepted, kept as it came, and executed', async () => {
  await start();
  const sent = { recipient: 'ann' };
  const { status, body } = await api.call('POST', PATH, { version: '1.0.0', payload: sent });
  expect(status).toBe(201);
  expect(body.task).toMatchObject({ version: '1.0.0', payload: sent });
  expect(await finished(pool, body.task.id)).toMatchObject({
    ...{ state: 'succeeded', result: 'ann', version: '1.0.0', payload: sent },
  });
  const batch = await api.call('POST', `${PATH}/batch`, {
    items: [{ version: '1.0.0', payload: sent }, { payload: { to: ['bob', 'cleo'] } }, { payload: sent }],
  });
  expect(batch.body).toMatchObject({ created: 2, invalid: 1 });
  const [one, other] = batch.body.items.map(({ id }: { id: string }) => id);
  expect(await finished(pool, one)).toMatchObject({ result: 'ann', version: '1.0.0' });
  expect(await finished(pool, other)).toMatchObject({ result: 'bob,cleo', version: '2.1.0' });
});

test('one that its upcast does not take is 400, where it is in the request, and nothing is inserted', async () => {
  const { status, body } = await api.call('POST', PATH, { version: '1.0.0', payload: { to: ['ann'] } });
  expect({ status, code: body.code }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
  expect(body.details).toEqual([
    {
      path: '/body/payload',
      message: expect.stringMatching(
        /^The upcast of invoice\.send from version 1\.0\.0 to 2\.1\.0 failed: .*\/payload\/recipient/,
      ),
    },
  ]);
});

test('a version without an upcast, or a newer one, is 404 that names those that are taken', async () => {
  for (const version of ['2.0.0', '3.0.0']) {
    const { status, body } = await api.call('POST', PATH, { version, payload: { to: ['ann'] } });
    expect({ status, error: body.error }).toEqual({
      status: 404,
      error: `invoice.send has no version ${version}: use 2.1.0, and payloads of 1.0.0 can be converted to it`,
    });
  }
});

test('a task that waits since an older version is upcast, or judged as it is, and says both versions if it does not fit', async () => {
  await start();
  const old = await submitOne(pool, {
    name: 'invoice.send',
    version: '1.0.0',
    payload: { recipient: 'ann' },
  });
  expect(await finished(pool, old.id)).toMatchObject({ state: 'succeeded', result: 'ann' });
  const alike = await submitOne(pool, { name: 'invoice.send', version: '2.0.0', payload: { to: ['bob'] } });
  expect(await finished(pool, alike.id)).toMatchObject({ state: 'succeeded', result: 'bob' });
  const unfit = await submitOne(pool, {
    name: 'invoice.send',
    version: '2.0.0',
    payload: { recipient: 'ann' },
  });
  expect(await finished(pool, unfit.id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: {
      error_code: 'VALIDATION_FAILED',
      message: 'The payload of version 2.0.0 does not fit invoice.send 2.1.0',
      retryable: false,
    },
  });
});

test('an upcast that throws fails that task for good, and a retry with one that works goes the same way', async () => {
  const broken = await start();
  const task = { name: 'invoice.send', version: '1.0.0', payload: { recipient: 7 } };
  const { id } = await submitOne(pool, task);
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: {
      error_type: 'PermanentError',
      error_code: 'UPCAST_FAILED',
      message: expect.stringMatching(/^The upcast of invoice\.send from version 1\.0\.0 to 2\.1\.0 failed: /),
      retryable: false,
      stack: expect.stringContaining('upcast.ts'),
    },
  });
  const explained = await api.call('GET', `/v1/tasks/${id}/explain`);
  expect(explained.body.reasons).toMatchObject([{ code: 'failed_permanently' }]);
  await broken.stop();
  const mended = { ...send, upcasts: new Map([['1.0.0', () => ({ to: ['mended'] })]]) };
  await startTestRunner(pool, {
    registeredHandlers: new Map([registeredHandler(mended, ({ to }) => to.join())]),
  });
  await retryTask(pool, id);
  await finished(pool, id);
  expect(await getTask(pool, id)).toMatchObject({
    ...{ state: 'succeeded', result: 'mended', version: '1.0.0', payload: task.payload, attempt: 2 },
  });
});
