import { expect, test } from 'vitest';
import { deleteOldDecisions } from '../../../../store/operators/decide_errors.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { fill } from '../fill.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
const ANN = as('ann of *');

const failure = (name: string, error: string, finished: string) => ({
  name,
  state: 'failed' as const,
  error,
  finished,
});
await fill(pool, [
  failure('shop.pay', 'no such order', '2026-01-01T00:00:00Z'),
  failure('shop.pay', 'no such order', '2026-01-03T00:00:00Z'),
  failure('shop.ship', 'no such street', '2026-01-02T00:00:00Z'),
  failure('text.count', 'no such word', '2026-01-04T00:00:00Z'),
]);

async function groups(query = '', who = ANN) {
  const { status, body } = await api.call('GET', `/v1/errors${query}`, undefined, who);
  expect(status).toBe(200);
  return body.groups as Record<string, unknown>[];
}
const statuses = async () => Object.fromEntries((await groups()).map(({ name, status }) => [name, status]));
const groupOf = async (name: string) => String((await groups(`?name=${name}`))[0]?.error_group);
const decide = (group: string, decision: string, who = ANN) =>
  api.call('PUT', `/v1/errors/${encodeURIComponent(group)}/${decision}?reason=deployed`, undefined, who);

test('groups can be narrowed to those with a failure since a time', async () => {
  const since = async (time: string) => (await groups(`?since=${time}`)).map(({ name }) => name);
  expect(await since('2026-01-03T00:00:00Z')).toEqual(['text.count', 'shop.pay']);
  expect(await since('2026-01-04T00:00:01Z')).toEqual([]);
  expect(await api.call('GET', '/v1/errors?since=never', undefined, ANN)).toMatchObject({
    status: 400,
    body: { details: [{ path: '/query/since' }] },
  });
});

test('a group has the versions of its oldest and newest task', async () => {
  const at = `update errand.tasks set version = $1 where name = 'shop.pay' and finished_at = $2`;
  await pool.query(at, ['2.0.0', '2026-01-03T00:00:00Z']);
  expect(await groups('?name=shop.pay')).toMatchObject([{ first_version: '1.0.0', last_version: '2.0.0' }]);
});

test('a resolved group has regressed as soon as a task fails with it again', async () => {
  const group = await groupOf('shop.pay');
  expect((await decide(group, 'resolve')).body).toMatchObject({ status: 'resolved', changed: true });
  expect((await decide(group, 'resolve')).body).toMatchObject({ status: 'resolved', changed: false });
  expect(await groups('?name=shop.pay')).toMatchObject([
    {
      status: 'resolved',
      count: 2,
      decision: { actor: 'user:ann', reason: 'deployed', decided_at: expect.any(String) },
    },
  ]);
  expect(await groups('?status=open&status=regressed')).toHaveLength(2);
  await fill(pool, [failure('shop.pay', 'no such order', new Date(Date.now() + 60_000).toISOString())]);
  expect(await groups('?status=regressed')).toMatchObject([{ name: 'shop.pay', count: 3 }]);
  expect((await decide(group, 'resolve')).body).toMatchObject({ changed: true });
});

test('an ignored group stays ignored, and an open one is open again', async () => {
  const group = await groupOf('shop.ship');
  expect((await decide(group, 'ignore')).body).toMatchObject({ status: 'ignored', changed: true });
  await fill(pool, [failure('shop.ship', 'no such street', new Date(Date.now() + 60_000).toISOString())]);
  expect(await statuses()).toMatchObject({ 'shop.ship': 'ignored' });
  expect((await decide(group, 'reopen')).body).toMatchObject({ status: 'open', changed: true });
  expect((await decide(group, 'reopen')).body).toMatchObject({ status: 'open', changed: false });
  expect(await statuses()).toMatchObject({ 'shop.ship': 'open' });
});

test('each decision that changes something is in the audit trail of its namespace', async () => {
  const { body } = await api.call('GET', '/v1/audit', undefined, as('eve of shop'));
  const acts = body.entries.map(({ action, target, details }: Record<string, unknown>) => [
    action,
    target,
    details,
  ]);
  const ship = { error_group: await groupOf('shop.ship') };
  expect(acts).toEqual(
    expect.arrayContaining([
      ['reopen_errors', 'shop.ship', ship],
      ['ignore_errors', 'shop.ship', ship],
      ['resolve_errors', 'shop.pay', { error_group: await groupOf('shop.pay') }],
    ]),
  );
  expect(acts).toHaveLength(4);
});

test('only an operator of its namespace decides, about a group that exists', async () => {
  const group = await groupOf('text.count');
  for (const decision of ['resolve', 'ignore', 'reopen']) {
    expectError(await decide(group, decision, as('eve of * may read,submit')), {
      status: 403,
      code: 'FORBIDDEN',
    });
    expectError(await decide(group, decision, as('eve of shop')), { status: 403, code: 'FORBIDDEN' });
    expectError(await decide('text.nothing:0', decision), { status: 404, code: 'NOT_FOUND' });
    expectError(await decide('nothing', decision), { status: 404, code: 'NOT_FOUND' });
  }
  expect(await statuses()).toMatchObject({ 'text.count': 'open' });
});

test('old decisions about groups without failures are deleted', async () => {
  await decide(await groupOf('text.count'), 'ignore');
  await decide(await groupOf('shop.ship'), 'ignore');
  await pool.query(`update errand.error_groups set decided_at = now() - interval '31 days'`);
  await pool.query(`update errand.tasks set dismissed_at = finished_at where name = 'text.count'`);
  expect(await deleteOldDecisions(pool, 30, 100)).toBe(1);
  expect(await statuses()).toEqual({ 'shop.pay': 'regressed', 'shop.ship': 'ignored' });
});
