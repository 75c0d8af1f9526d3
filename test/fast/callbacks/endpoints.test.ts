import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { disableCallback } from '../../../store/operators/callbacks.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { submitOne } from '../../support/tasks.ts';
import { as, authenticateByWords } from '../api/principals.ts';
import { answering, deliveriesDone, startDelivering, startReceiver } from './receiver.ts';

// Endpoints that were disabled, and are enabled again.

const { pool } = await createDatabase();
const api = await startApi(pool);
const guarded = await startApi(pool, { authenticate: authenticateByWords });
await registerDefinitions(pool, definitions);

/** A task that has ended, with a callback. */
async function ended(callbackUrl: string): Promise<string> {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'a' }, callbackUrl });
  await cancelTask(pool, id);
  return id;
}

const ENABLE = '/v1/callbacks/enable';

test('the disabled endpoints are listed by namespaces', async () => {
  const taskId = randomUUID();
  for (const namespace of ['example', 'text'])
    await disableCallback(pool, { namespace, url: `https://${namespace}.test/`, taskId });
  const listed = async (words: string, query = '') => {
    const { body } = await guarded.call('GET', `/v1/callbacks/disabled${query}`, undefined, as(words));
    return body.callbacks.map((one: { url: string }) => one.url);
  };
  expect(await listed('ann of *')).toEqual(['https://example.test/', 'https://text.test/']);
  expect(await listed('ann of *', '?namespace=text')).toEqual(['https://text.test/']);
  expect(await listed('ann of example')).toEqual(['https://example.test/']);
  expect(await listed('ann of example', '?namespace=text')).toEqual([]);
  expect((await api.call('GET', '/v1/callbacks/disabled?namespace=text')).body).toEqual({
    callbacks: [
      { namespace: 'text', url: 'https://text.test/', disabled_at: expect.any(String), task_id: taskId },
    ],
    is_truncated: false,
  });
});

test('one that is enabled again is told of what ends from then on, and of the rest when it is asked for', async () => {
  const receiver = await startReceiver(answering(410, 200));
  const lost = await ended(receiver.url);
  await startDelivering(pool);
  const [failed] = await deliveriesDone(pool, lost, 1);
  expect(failed?.state).toBe('failed');
  const endpoint = { namespace: 'example', url: receiver.url };
  const asked = (words: string) =>
    guarded.call('POST', ENABLE, { ...endpoint, reason: 'moved back' }, as(words));
  expect((await asked('bob of text')).status).toBe(403);
  expect((await asked('ann of example may read,submit')).status).toBe(403);
  expect(await asked('ann of example')).toMatchObject({ status: 200, body: endpoint });
  expect((await asked('ann of example')).status).toBe(404);
  const audit = await pool.query(
    `select actor, namespace, target, reason, details from errand.audit where action = 'enable_callback'`,
  );
  const details = { task_id: lost, disabled_at: expect.any(String) };
  expect(audit.rows).toEqual([
    { actor: 'user:ann', namespace: 'example', target: receiver.url, reason: 'moved back', details },
  ]);
  const next = await ended(receiver.url);
  expect(await deliveriesDone(pool, next, 1)).toMatchObject([{ state: 'succeeded' }]);
  await api.call('POST', `/v1/tasks/${lost}/deliveries/${failed?.id}/resend`);
  expect(await deliveriesDone(pool, lost, 2)).toMatchObject([{ state: 'failed' }, { state: 'succeeded' }]);
  expect(receiver.requests).toHaveLength(3);
});
