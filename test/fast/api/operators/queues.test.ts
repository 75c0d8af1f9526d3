import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { registerNames } from '../../store/stats/finished.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
await pool.query(
  `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
   values ('example.echo', 'example', '1', '', '{}', '{}'), ('text.count_words', 'text', '1', '', '{}', '{}')`,
);
const api = await startApi(pool);
const guarded = await startApi(pool, { authenticate: authenticateByWords });

async function audited(): Promise<unknown[]> {
  const { rows } = await pool.query(
    'select action, actor, namespace, target, reason, request_id from errand.audit order by id',
  );
  return rows;
}

test('a pause is shown, told of once, and ended by a resume; both are in the audit trail', async () => {
  const headers = { 'x-request-id': 'pausing' };
  const paused = await api.call('PUT', '/v1/queues/example/pause?reason=broken', undefined, headers);
  expect(paused).toMatchObject({
    status: 200,
    body: {
      queue: 'example',
      paused: true,
      changed: true,
      pause: { target: 'example', actor: 'anonymous', reason: 'broken' },
    },
  });
  expect(Date.parse(paused.body.pause.paused_at)).not.toBeNaN();
  const again = await api.call('PUT', '/v1/queues/example/pause?reason=again');
  expect(again.body).toMatchObject({ changed: false, pause: { reason: 'broken' } });

  const { body } = await api.call('GET', '/v1/queues');
  expect(body.queues).toMatchObject([
    { name: 'example.echo', namespace: 'example', pauses: [{ target: 'example', reason: 'broken' }] },
    { name: 'text.count_words', pauses: [] },
  ]);

  const resumed = await api.call('PUT', '/v1/queues/example/resume?reason=mended', undefined, headers);
  expect(resumed.body).toMatchObject({ queue: 'example', paused: false, changed: true, pause: null });
  expect((await api.call('PUT', '/v1/queues/example/resume')).body).toMatchObject({ changed: false });
  const entry = { actor: 'anonymous', namespace: 'example', target: 'example', request_id: 'pausing' };
  expect(await audited()).toEqual([
    { action: 'pause', reason: 'broken', ...entry },
    { action: 'resume', reason: 'mended', ...entry },
  ]);
});

test('what nobody knows can not be paused', async () => {
  expectError(await api.call('PUT', '/v1/queues/example.ecko/pause'), { status: 404, code: 'NOT_FOUND' });
  const { body } = await api.call('PUT', '/v1/queues/nothing/resume');
  expect(body.code).toBe('NOT_FOUND');
  expect((await pool.query('select from errand.pauses')).rowCount).toBe(0);
});

test('a workflow is paused with its steps, a step by itself, and nothing that only begins alike', async () => {
  await registerNames(
    pool,
    'orders.fulfil',
    'orders.fulfil.charge',
    'orders.fulfil.ship',
    'orders.fulfiller',
  );
  const held = async (): Promise<[string, string[]][]> => {
    const { body } = await api.call('GET', '/v1/queues');
    type Queue = { name: string; pauses: { target: string }[] };
    return body.queues
      .filter(({ name }: Queue) => name.startsWith('orders.'))
      .map(({ name, pauses }: Queue) => [name, pauses.map(({ target }) => target)]);
  };
  expect((await api.call('PUT', '/v1/queues/orders.fulfil/pause')).status).toBe(200);
  expect((await api.call('PUT', '/v1/queues/orders.fulfil.ship/pause')).status).toBe(200);
  expect(await held()).toEqual([
    ['orders.fulfil', ['orders.fulfil']],
    ['orders.fulfil.charge', ['orders.fulfil']],
    ['orders.fulfil.ship', ['orders.fulfil', 'orders.fulfil.ship']],
    ['orders.fulfiller', []],
  ]);
  const step = await api.call('GET', '/v1/handlers/orders/fulfil.charge');
  expect(step.body.pauses).toMatchObject([{ target: 'orders.fulfil' }]);
  expectError(await api.call('PUT', '/v1/queues/orders.ful/pause'), { status: 404, code: 'NOT_FOUND' });
  await pool.query('delete from errand.pauses');
  await pool.query(`delete from errand.definitions where namespace = 'orders'`);
});

test('only who may operate in a namespace pauses it, and sees it', async () => {
  const pause = (who: string, queue: string) =>
    guarded.call('PUT', `/v1/queues/${queue}/pause`, undefined, as(who));
  for (const [who, queue] of [
    ['eve of text', 'example'],
    ['eve of text', 'example.echo'],
    ['eve of text', 'nothing'],
    ['eve of example may read,submit', 'example'],
  ] as const) {
    expectError(await pause(who, queue), { status: 403, code: 'FORBIDDEN' });
  }
  expect((await pool.query('select from errand.pauses')).rowCount).toBe(0);
  expect((await pause('ann of example', 'example.echo')).body.pause.actor).toBe('user:ann');
  const { body } = await guarded.call('GET', '/v1/queues', undefined, as('eve of text'));
  expect(body.queues).toMatchObject([{ name: 'text.count_words' }]);
  await pool.query('delete from errand.pauses');
});

test('the pool honours a pause and a resume by HTTP within moments', async () => {
  await startTestRunner(pool);
  expect((await api.call('PUT', '/v1/queues/example/pause')).status).toBe(200);
  const { body } = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'paused' } });
  const other = await api.call('POST', '/v1/tasks/text.count_words', { payload: { text: 'a b' } });
  await finished(pool, other.body.task.id);
  const { rows } = await pool.query('select state from errand.tasks where id = $1', [body.task.id]);
  expect(rows).toEqual([{ state: 'queued' }]);
  await api.call('PUT', '/v1/queues/example/resume');
  await until('it has run', async () => (await finished(pool, body.task.id)).state === 'succeeded');
});
