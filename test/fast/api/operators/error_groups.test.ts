import { expect, test } from 'vitest';
import { listErrorGroups } from '../../../../store/operators/errors.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { fill, type Row } from '../fill.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
const OPERATOR = as('ann of *');

function failed(error: string, finished: string, name = 'shop.pay'): Row {
  return { name, state: 'failed', error, finished };
}

await fill(pool, [
  failed('Order 17 of "ann" not found', '2026-01-01T00:00:00Z'),
  failed('Order 4,711.50 of "ben" not found', '2026-01-03T00:00:00Z'),
  failed('Order 3 of "" not found', '2026-01-02T00:00:00Z'),
  failed('Order 3 of "" not found', '2026-01-02T00:00:00Z', 'shop.ship'),
  failed('Order lost', '2026-01-04T00:00:00Z'),
  failed('no row 01a1fda3-8ecb-7e32-bbab-5d3baba36f01', '2026-01-01T00:00:00Z', 'text.count'),
  failed('no row 01a1fda3-8ecb-7e32-bbab-5d3baba36f02', '2026-01-05T00:00:00Z', 'text.count'),
  { name: 'shop.pay', state: 'retrying', error: 'Order 5 of "cyd" not found' },
  { name: 'shop.pay', state: 'succeeded', finished: '2026-01-01T00:00:00Z' },
]);

async function groups(query = '', who = OPERATOR) {
  const { status, body } = await api.call('GET', `/v1/errors${query}`, undefined, who);
  expect(status).toBe(200);
  return body.groups as Record<string, unknown>[];
}

test('failures are grouped by name, type and message without what differs from case to case', async () => {
  expect(await groups()).toMatchObject([
    {
      name: 'text.count',
      namespace: 'text',
      count: 2,
      count_is_capped: false,
      first_seen: '2026-01-01T00:00:00.000Z',
      last_seen: '2026-01-05T00:00:00.000Z',
      message: 'no row 01a1fda3-8ecb-7e32-bbab-5d3baba36f02',
      error_type: 'Error',
    },
    { name: 'shop.pay', count: 1, message: 'Order lost' },
    {
      name: 'shop.pay',
      count: 3,
      first_seen: '2026-01-01T00:00:00.000Z',
      last_seen: '2026-01-03T00:00:00.000Z',
      example: { error: { message: 'Order 3 of "" not found' }, attempt: 1 },
    },
    { name: 'shop.ship', count: 1 },
  ]);
});

test('they are narrowed by name and namespace, and to what the caller may see', async () => {
  const names = async (query: string, who = OPERATOR) => (await groups(query, who)).map(({ name }) => name);
  expect(await names('?name=shop.ship')).toEqual(['shop.ship']);
  expect(await names('?namespace=text')).toEqual(['text.count']);
  expect(await names('?name=shop.ship&namespace=text')).toEqual([]);
  expect(await names('', as('eve of text'))).toEqual(['text.count']);
  expect(await names('?name=shop.pay', as('eve of text'))).toEqual([]);
});

test('the list shows the tasks of a group, and a retry of the group queues them and nothing else', async () => {
  const [group] = (await groups('?name=shop.pay')).filter(({ count }) => count === 3);
  const key = encodeURIComponent(String(group?.error_group));
  const { body } = await api.call('GET', `/v1/tasks?error_group=${key}`, undefined, OPERATOR);
  expect(body).toMatchObject({ total: 3, tasks: [{ state: 'failed' }, {}, {}] });

  const retry = (who: Record<string, string>, options?: object) =>
    api.call('POST', `/v1/errors/${key}/retry`, options, who);
  expect((await retry(as('eve of text'))).body).toMatchObject({ matched: 0, changed: 0 });
  expectError(await retry(as('ann of shop may read')), { status: 403, code: 'FORBIDDEN' });
  expect((await retry(OPERATOR, { dry_run: true })).body).toMatchObject({ matched: 3, changed: 0 });
  expect((await retry(OPERATOR)).body).toMatchObject({ action: 'retry', matched: 3, changed: 3 });
  expect((await groups('?name=shop.pay')).map(({ message }) => message)).toEqual(['Order lost']);
  const { rows } = await pool.query(
    `select distinct t.state, t.error_group from errand.audit a join errand.tasks t on t.id = a.task_id where a.action = 'retry'`,
  );
  expect(rows).toEqual([{ state: 'queued', error_group: null }]);
});

test('a group of very many is counted to a bound, and not read to the end', async () => {
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload, error)
     select 'many.fail', '1', 'failed', 0, 1, now(), now(), '{}',
            jsonb_build_object('error_type', 'Error', 'message', 'case ' || n)
       from generate_series(1, 10500) n`,
  );
  const { groups: found } = await listErrorGroups(pool, { namespaces: ['many'] });
  expect(found).toMatchObject([{ count: 10_000, count_is_capped: true, name: 'many.fail' }]);
});
