import { expect, test } from 'vitest';
import { defineTask } from '../../../core/task.ts';
import { loadHandlers } from '../../../runner/builtin/registered_handlers.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { loadHandler } from '../../../tasks/handlers.ts';
import { definitions, ownDefinitions } from '../../../tasks/index.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, submit, submitOne } from '../../support/tasks.ts';
import { ECHO, echo, HOOK, POLICY_HOOK, startCallbacks, telling } from './callbacks.ts';
import { deliveriesOf, secretOf } from './receiver.ts';

// Where a task is told of: by its submission, its definition, or a duplicate.

const { pool } = await createDatabase();
const api = await startCallbacks(pool, { WEBHOOK_SECRETS: secretOf('a') });

/** Where a task is told of, as the API shows it. */
async function callbackOf(id: string): Promise<unknown> {
  return (await api.call('GET', `/v1/tasks/${id}`)).body.callback_url;
}

test('a submission says where it is told of, by its path, by a name in the body and as an item of a batch', async () => {
  const byPath = await api.call('POST', ECHO, echo({ callback_url: HOOK }));
  expect(byPath).toMatchObject({ status: 201, body: { task: { callback_url: HOOK } } });
  const byName = await api.call('POST', '/v1/tasks', {
    name: 'example.echo',
    ...echo({ callback_url: HOOK }),
  });
  expect(byName).toMatchObject({ status: 201, body: { task: { callback_url: HOOK } } });
  const items = [echo({ callback_url: HOOK }), echo(), echo({ callback_url: 'https://b.example.com/' })];
  const batch = await api.call('POST', `${ECHO}/batch`, { items });
  const ids: string[] = batch.body.items.map((item: { id: string }) => item.id);
  expect(await Promise.all(ids.map(callbackOf))).toEqual([HOOK, null, 'https://b.example.com/']);
});

test('the definition says where, unless the submission does, by HTTP and by SQL', async () => {
  const payload = { n: 1 };
  const own = await api.call('POST', '/v1/tasks/shop.telling', { payload, callback_url: HOOK });
  const usual = await api.call('POST', '/v1/tasks/shop.telling', { payload });
  expect(own.body.task.callback_url).toBe(HOOK);
  expect(usual.body.task.callback_url).toBe(POLICY_HOOK);
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.submit('shop.telling', '{"n": 1}')
     union all select id from errand.submit('shop.telling', '{"n": 1}', callback_url => '${HOOK}')`,
  );
  const urls = await Promise.all(rows.map(async ({ id }) => callbackOf(id)));
  expect(urls.sort()).toEqual([HOOK, POLICY_HOOK]);
  expect(() => defineTask({ ...telling, policy: { callbackUrl: 'ftp://a' } })).toThrow('policy.callbackUrl');
});

test('a task that another one submits is told of as its definition says', async () => {
  const parent = defineTask({ ...telling, name: 'shop.parent', policy: {} });
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(parent, async (_payload, context) => {
        await context.submit(telling, { n: 7 });
        return null;
      }),
    ]),
  });
  const { id } = await submitOne(pool, { name: parent.name, payload: { n: 1 } });
  await finished(pool, id);
  const { rows } = await pool.query(`select callback_url from errand.tasks where payload = '{"n": 7}'`);
  expect(rows).toEqual([{ callback_url: POLICY_HOOK }]);
});

test('by SQL, as before, without a callback there is none; and an @ behind the host is no credentials', async () => {
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.submit('example.echo', '{"message": "none"}')
     union all
     select id from errand.submit('example.echo', '{"message": "at"}', callback_url => 'https://a.example.com/@b?c@d')`,
  );
  const urls = await Promise.all(rows.map(async ({ id }) => callbackOf(id)));
  expect(urls).toEqual([null, 'https://a.example.com/@b?c@d']);
});

test('a live duplicate keeps its callback, or takes the first that it is given', async () => {
  const submission = echo();
  const { body } = await api.call('POST', ECHO, submission);
  const again = (callback_url: string) => api.call('POST', ECHO, { ...submission, callback_url });
  expect((await again(HOOK)).body.task).toMatchObject({ id: body.task.id, callback_url: HOOK });
  expect((await again('https://late.example.com/')).body.task.callback_url).toBe(HOOK);
});

test('one that is armed again is told of where the new submission wants it, or else where the old one did', async () => {
  const submission = echo({ callback_url: HOOK });
  const { body } = await api.call('POST', ECHO, submission);
  const { id } = body.task;
  await cancelTask(pool, id);
  const { payload } = submission;
  expect((await api.call('POST', ECHO, { payload })).body.task).toMatchObject({ id, callback_url: HOOK });
  await cancelTask(pool, id);
  const other = 'https://other.example.com/';
  await api.call('POST', ECHO, { payload, callback_url: other });
  expect(await callbackOf(id)).toBe(other);
});

test('one that has succeeded is told of no more: the answer says that it has', async () => {
  const { body } = await api.call('POST', ECHO, echo());
  const { id, payload } = body.task;
  await pool.query(
    `update errand.tasks set state = 'succeeded', finished_at = now(), dispatch_id = null where id = $1`,
    [id],
  );
  const again = await api.call('POST', ECHO, { payload, callback_url: HOOK });
  expect(again).toMatchObject({ status: 200, body: { task: { state: 'succeeded', callback_url: null } } });
  expect(await deliveriesOf(pool, id)).toEqual([]);
});

test('of duplicates that come together, the first with a callback gives it; of a conflict nothing is taken', async () => {
  const twin = {
    name: 'example.echo',
    payload: { message: 'twin' },
    dedup: { dedup: 'payload', key: null },
  } as const;
  const [first] = await submit(
    pool,
    twin,
    { ...twin, callbackUrl: HOOK },
    { ...twin, callbackUrl: 'https://late.example.com/' },
    { name: 'example.echo', payload: { message: 'apart' } },
  );
  expect(await callbackOf(String(first?.id))).toBe(HOOK);
  const key = { dedup: { dedup: 'idempotency_key', key: 'k-1' } } as const;
  const items = [
    { ...twin, ...key, payload: { message: 'one' } },
    { ...twin, ...key, payload: { message: 'other' }, callbackUrl: HOOK },
  ];
  await expect(submit(pool, ...items)).rejects.toThrow('conflict');
  const { rows } = await pool.query(`select callback_url from errand.tasks where dedup_key = 'k-1'`);
  expect(rows).toEqual([{ callback_url: null }]);
});

test('what the database submits is what the definition says, and its handler takes it', async () => {
  const { body } = await api.call('POST', ECHO, echo({ callback_url: HOOK }));
  await cancelTask(pool, body.task.id);
  const [row] = await deliveriesOf(pool, body.task.id);
  const task = await getTask(pool, String(row?.id));
  const [, deliver] = ownDefinitions;
  expect(deliver.payload.parse(task?.payload)).toEqual(task?.payload);
  expect(task).toMatchObject({
    name: deliver.name,
    version: deliver.version,
    priority: deliver.policy.priority,
    max_attempts: deliver.policy.maxAttempts,
    dedup: null,
  });
  // It belongs to no list of tasks that a runner of other people's definitions has.
  expect([...(await loadHandlers(pool, definitions, ({ name }) => loadHandler(name))).keys()]).not.toContain(
    deliver.name,
  );
});
