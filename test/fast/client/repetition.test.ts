import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { ErrandError } from '../../../client/index.ts';
import { createDatabase } from '../../support/database.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { type Fate, type Route, startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);

/** The first so many requests that match have this fate. */
function first(
  count: number,
  fate: Fate,
  matches: (path: string, method: string) => boolean,
): Route['decide'] {
  let left = count;
  return ({ path, method }) => {
    if (left === 0 || !matches(path, method)) return 'pass';
    left--;
    return fate;
  };
}

const isPost = (_path: string, method: string): boolean => method === 'POST';

async function tasksTagged(tag: string): Promise<{ id: string; max_attempts: number }[]> {
  const { rows } = await pool.query('select id, max_attempts from errand.tasks where $1 = any (tags)', [tag]);
  return rows;
}

const posts = ({ seen }: Route) => seen.filter(({ method }) => method === 'POST');

test('when answers are lost after the commit there is one task, thanks to the key', async () => {
  const proxy = await startProxy(api.url);
  proxy.decide = first(2, 'lose-answer', isPost);
  const tag = randomUUID();
  const task = await clientOf(proxy.url).submit('example.sleep', { ms: 1 }, { tags: [tag] });
  expect(await tasksTagged(tag)).toEqual([{ id: task.id, max_attempts: expect.any(Number) }]);
  const keys = posts(proxy).map(({ headers }) => headers['idempotency-key']);
  expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
});

test('where the payload is the key there is one task as well, and still one after the same submission', async () => {
  const proxy = await startProxy(api.url);
  proxy.decide = first(1, 'lose-answer', isPost);
  const tag = randomUUID();
  const client = clientOf(proxy.url);
  const task = await client.submit('example.echo', { message: tag }, { tags: [tag] });
  const again = await clientOf(api.url).submit('example.echo', { message: tag }, { tags: [tag] });
  expect(again).toMatchObject({ id: task.id, created: false, dedup: 'payload' });
  expect(await tasksTagged(tag)).toHaveLength(1);
});

test('the key made for a call does not take the place of what the definition says', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url);
  const message = randomUUID();
  const [one, other] = [
    await client.submit('example.echo', { message }),
    await client.submit('example.echo', { message }),
  ];
  expect([other.id, other.created, other.dedup]).toEqual([one.id, false, 'payload']);
  const keys = posts(proxy).map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(2);
});

test('a request of no known effect is not sent again, but for 429, which did nothing', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url);
  const body = { payload: { ms: 5 } };
  for (const fate of ['lose-answer', { status: 503 }, { status: 408 }] as Fate[]) {
    proxy.seen.length = 0;
    proxy.decide = first(1, fate, isPost);
    await expect(client.request('POST', '/v1/tasks/example.sleep', { body })).rejects.toThrow(ErrandError);
    expect(proxy.seen).toHaveLength(1);
  }
  proxy.seen.length = 0;
  proxy.decide = first(2, { status: 429 }, isPost);
  expect(await client.request('POST', '/v1/tasks/example.sleep', { body })).toMatchObject({ created: true });
  expect(proxy.seen).toHaveLength(3);
});

test('a cancel and a retry whose answers are lost are done, and told so', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url);
  const task = await client.submit('example.sleep', { ms: 6 }, { delaySeconds: 3_600 });
  proxy.decide = first(1, 'lose-answer', (_path, method) => method === 'DELETE');
  expect(await client.cancel(task)).toMatchObject({ id: task.id, state: 'cancelled' });
  proxy.decide = first(1, 'lose-answer', (path) => path.endsWith('/retry'));
  expect(await client.retry(task)).toMatchObject({ id: task.id, state: 'queued' });
  // Nothing was lost here: it is queued already, and that is an error.
  await expect(client.retry(task)).rejects.toThrow(/cannot be retried/);
  await client.cancel(task);
  await expect(client.cancel(task)).rejects.toMatchObject({ status: 400, code: 'BAD_REQUEST' });
});

test('a cancel that comes too late is an error, however often it was sent', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url);
  const task = await client.submit('example.sleep', { ms: 7 });
  await pool.query(
    `update errand.tasks set state = 'succeeded', finished_at = now(), dispatch_id = null where id = $1`,
    [task.id],
  );
  proxy.decide = first(1, 'lose-answer', (_path, method) => method === 'DELETE');
  await expect(client.cancel(task)).rejects.toThrow(/cannot be cancelled/);
});
