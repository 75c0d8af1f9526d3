import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { builtinHandlers } from '../../../../runner/builtin/registered_handlers.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { NO_CALLBACKS, startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';
import { mail, order, registerShop, shopRegistry } from '../shop.ts';

// The filters that know what a task is part of: of lists, and of bulk operations.

const { pool } = await createDatabase();
await registerShop(pool);
const api = await startApi(pool, { registry: shopRegistry });
const guarded = await startApi(pool, { registry: shopRegistry, authenticate: authenticateByWords });

const plain = await submitOne(pool, { name: 'example.echo', payload: { message: 'plain' } });
const workflow = await submitWorkflow(pool, order, { value: 1, mails: 1, fail: [] });
const mails = await stepOf(pool, workflow.id, 'mails');
const child = await submitOne(pool, { name: mail.name, payload: { text: 'a' }, parentId: mails.id });
const other = await submitWorkflow(pool, order, { value: 2, mails: 1, fail: [] });
const names = new Map([
  [plain.id, 'plain'],
  [workflow.id, 'workflow'],
  [other.id, 'other'],
  [child.id, 'child'],
]);

type Listed = { id: string; step: string | null };

/** What a query finds, newest first: of a step its key. */
async function find(query: string): Promise<string[]> {
  const { status, body } = await api.call('GET', `/v1/tasks?${query}`);
  expect([query, status]).toEqual([query, 200]);
  expect([query, body.total]).toEqual([query, body.tasks.length]);
  return body.tasks.map(({ id, step }: Listed) => step ?? names.get(id));
}

const STEPS = ['reserve', 'pay', 'mails', 'gift', 'close', 'on_failure'];

test('by parent_id its steps are found, or what a step has made', async () => {
  expect((await find(`parent_id=${workflow.id}`)).toSorted()).toEqual(STEPS.toSorted());
  expect(await find(`parent_id=${mails.id}`)).toEqual(['child']);
  expect(await find(`parent_id=${plain.id}`)).toEqual([]);
  expect(await find(`parent_id=${randomUUID()}`)).toEqual([]);
});

test.each([
  ['name=shop.order.pay', ['pay']],
  ['state=queued', ['reserve']],
  ['state=queued&state=waiting&name=shop.order.gift', ['gift']],
  ['namespace=mail', []],
  ['namespace=shop&state=queued', ['reserve']],
  ['created_to=2020-01-01T00:00:00Z', []],
  ['top_level=true', []],
])('together with %s it finds %j', async (query, found) => {
  expect(await find(`parent_id=${workflow.id}&${query}`)).toEqual(found);
});

test('with top_level only what is no part of anything is found', async () => {
  expect(await find('top_level=true')).toEqual(['other', 'workflow', 'plain']);
  expect(await find('top_level=true&namespace=shop')).toEqual(['other', 'workflow']);
  expect(await find('top_level=true&namespace=mail')).toEqual([]);
  expect(await find('top_level=true&state=running&name=shop.order')).toEqual(['other', 'workflow']);
  expect(await find('top_level=false')).toHaveLength(16);
});

test('pages and the cursor keep to them', async () => {
  for (const query of [`parent_id=${workflow.id}`, 'top_level=true']) {
    const all = await find(query);
    const seen: string[] = [];
    for (let path = `/v1/tasks?${query}&page_size=2`; ; ) {
      const { body } = await api.call('GET', path);
      expect(body.total).toBe(all.length);
      seen.push(...body.tasks.map(({ id, step }: Listed) => step ?? names.get(id)));
      if (body.next_cursor === null) break;
      path = `/v1/tasks?${query}&page_size=2&cursor=${body.next_cursor}`;
    }
    expect(seen).toEqual(all);
  }
});

test('what is no id and no yes or no is refused', async () => {
  for (const query of ['parent_id=a', 'parent_id=', 'top_level=1', 'top_level=']) {
    const answer = await api.call('GET', `/v1/tasks?${query}`);
    expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
  }
});

test('a caller finds by them what is in its namespaces', async () => {
  const found = async (who: string, query: string): Promise<number> =>
    (await guarded.call('GET', `/v1/tasks?${query}`, undefined, as(who))).body.total;
  expect(await found('ann of mail', `parent_id=${mails.id}`)).toBe(1);
  expect(await found('ann of shop', `parent_id=${mails.id}`)).toBe(0);
  expect(await found('ann of mail', `parent_id=${workflow.id}`)).toBe(0);
  expect(await found('ann of mail', 'top_level=true')).toBe(0);
});

test('bulk operations go by them, at once and by a task of their own', async () => {
  const dry = (filter: object) => api.call('POST', '/v1/tasks/cancel', { filter, dry_run: true });
  expect((await dry({ parent_id: workflow.id })).body.matched).toBe(6);
  expect((await dry({ top_level: true })).body.matched).toBe(3);
  const wrong = await dry({ parent_id: 'a' });
  expectError(wrong, {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/filter/parent_id', message: expect.stringContaining('uuid') }],
  });
  const filter = { top_level: true, namespace: 'example' };
  const paced = await api.call('POST', '/v1/tasks/cancel', { filter, per_second: 100 });
  expect(paced.status).toBe(202);
  // One that executes nothing else: what is to be cancelled has to be there.
  await startTestRunner(pool, { registeredHandlers: new Map(builtinHandlers(pool, NO_CALLBACKS)) });
  expect(await finished(pool, paced.body.task.id)).toMatchObject({
    state: 'succeeded',
    result: { changed: 1 },
  });
  const { body } = await api.call('POST', '/v1/tasks/cancel', { filter: { parent_id: mails.id } });
  expect(body).toMatchObject({ matched: 1, changed: 1 });
});
