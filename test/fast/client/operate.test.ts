import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const client = clientOf(api.url);

async function failed(message: string): Promise<string> {
  const { id } = await client.submit('example.echo', { message }, { dedup: 'none' });
  await pool.query(
    `update errand.tasks
        set state = 'failed', finished_at = now(), dispatch_id = null,
            error = '{"error_type":"Error","message":"no","error_code":null,"retryable":true,"metadata":null,"stack":null}'
      where id = $1`,
    [id],
  );
  return id;
}

test('a page has its total, its search and the chosen fields by the names that were asked for', async () => {
  const id = await failed('paged');
  expect(await client.page({ payload: '/message=paged' })).toMatchObject({
    tasks: [{ id, dismissedAt: null }],
    rows: null,
    page: 1,
    pageSize: 50,
    total: 1,
    totalIsEstimate: false,
    nextCursor: null,
    search: { lookedAt: 1, isBounded: false, matched: 1, unread: 0 },
  });
  const fields = ['created_at', 'payload/message'];
  const { rows, tasks } = await client.page({ fields, payload: ['/message=paged'], pageSize: 1 });
  expect(tasks).toEqual([]);
  expect(rows).toEqual([{ created_at: expect.any(String), 'payload/message': 'paged' }]);
});

test('an export is a stream of CSV, and fails if it breaks', async () => {
  await failed('exported');
  const csv = await client.csv({ payload: '/message=exported', fields: ['name', 'payload/message'] });
  expect(await new Response(csv).text()).toBe('name,payload/message\r\nexample.echo,exported\r\n');
  await expect(client.csv({ fields: ['nothing'] })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
});

test('a failed task is dismissed, and its group of errors decided about', async () => {
  const id = await failed('dismissed');
  const { groups } = await client.errors({ name: 'example.echo', since: new Date(0), status: ['open'] });
  const [group] = groups;
  if (group === undefined) throw new Error('there is no group');
  expect(group).toMatchObject({ status: 'open', decision: null, firstVersion: expect.any(String) });
  expect((await client.overview()).errors).toMatchObject({ open: 1, groups: [{ isNew: true }] });
  expect(await client.decideErrors(group.errorGroup, 'resolve', { reason: 'deployed' })).toBe(true);
  expect(await client.decideErrors(group.errorGroup, 'resolve')).toBe(false);
  expect((await client.overview({ since: new Date() })).errors).toMatchObject({ open: 0 });
  expect(await client.dismiss(id, { reason: 'paid' })).toMatchObject({ id, dismissedAt: expect.any(String) });
});

test('a resubmission whose answer is lost makes one task', async () => {
  const id = await failed('wrong');
  const proxy = await startProxy(api.url);
  let toBreak = 1;
  proxy.decide = () => (toBreak-- > 0 ? 'lose-answer' : 'pass');
  const task = await clientOf(proxy.url).resubmit(id, { payload: { message: 'right' }, reason: 'wrong' });
  expect(task).toMatchObject({ payload: { message: 'right' }, resubmissionOf: id });
  expect((await client.get(id)).resubmittedAs).toBe(task.id);
  expect((await client.page({ payload: '/message=right' })).total).toBe(1);
});
