import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { type Statement, startOwnApi, watched } from '../app.ts';
import { counts, expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const PATH = '/v1/tasks/example.echo/batch?atomic=true';

test('one invalid item refuses all, with the errors of every item', async () => {
  const body = {
    items: [
      { payload: { message: 'a' } },
      { payload: { message: 5 } },
      { payload: { message: 'b' } },
      { payload: {} },
    ],
  };
  const answer = await expectRefused(api, pool, () => api.call('POST', PATH, body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/items/1/payload/message', message: 'must be string, got 5' },
      { path: '/body/items/3/payload/message', message: 'is required' },
    ],
  });
  expect(answer.body.error).toMatch(/atomic/);
});

test('a valid batch is inserted whole, by one statement', async () => {
  const statements: Statement[] = [];
  const own = await startOwnApi(watched(pool, (statement) => statements.push(statement)));
  const items = [{ payload: { message: 'all 1' } }, { payload: { message: 'all 2' } }];
  const { status, body } = await own.call('POST', PATH, { items });
  expect(status).toBe(200);
  expect(body).toMatchObject({ created: 2, duplicates: 0, invalid: 0 });
  expect(statements.map(({ name }) => name).filter((name) => name !== '')).toEqual(['submit_batch']);
});

test('duplicates are no reason to refuse', async () => {
  const items = [{ payload: { message: 'twin' } }, { payload: { message: 'twin' } }];
  const { body } = await api.call('POST', PATH, { items });
  expect(body).toMatchObject({ created: 1, duplicates: 1 });
});

test('an Idempotency-Key that met another payload at one position refuses all, and changes nothing', async () => {
  const headers = { 'idempotency-key': 'atomic 1' };
  const items = [{ payload: { message: 'first' } }, { payload: { message: 'second' } }];
  const first = await api.call('POST', PATH, { items }, headers);
  expect(first.body.created).toBe(2);
  const changed = [{ payload: { message: 'first' } }, { payload: { message: 'other' } }, items[0]];
  const ids = first.body.items.map(({ id }: { id: string }) => id);
  const rows = () => pool.query('select * from errand.tasks where id = any ($1) order by id', [ids]);
  const before = await rows();
  await expectRefused(api, pool, () => api.call('POST', PATH, { items: changed }, headers), {
    status: 409,
    code: 'CONFLICT',
  });
  expect((await rows()).rows).toEqual(before.rows);
  const again = await api.call('POST', PATH, { items }, headers);
  expect(again.body).toMatchObject({ created: 0, duplicates: 2 });
});

test('after a refusal every connection of the pool is usable and out of its transaction', async () => {
  const headers = { 'idempotency-key': 'atomic 2' };
  await api.call('POST', PATH, { items: [{ payload: { message: 'one' } }] }, headers);
  const refused = Array.from({ length: 20 }, (_, index) =>
    api.call('POST', PATH, { items: [{ payload: { message: `other ${index}` } }] }, headers),
  );
  for (const { status } of await Promise.all(refused)) expect(status).toBe(409);
  const { rows } = await pool.query<{ open: number }>(
    `select count(*) as open from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%'`,
  );
  expect(rows[0]?.open).toBe(0);
  // One may just have been asked for by something else, such as the clock.
  await until('all connections are idle', async () => pool.idleCount === pool.totalCount);
});

test('atomic=false and no atomic insert what is valid; anything else is refused', async () => {
  const path = '/v1/tasks/example.echo/batch';
  const items = (message: string) => ({ items: [{ payload: { message } }, {}] });
  const before = await counts(pool);
  expect((await api.call('POST', path, items('no atomic'))).body).toMatchObject({ created: 1, invalid: 1 });
  const off = await api.call('POST', `${path}?atomic=false`, items('atomic off'));
  expect(off.body).toMatchObject({ created: 1, invalid: 1 });
  expect((await counts(pool)).tasks - before.tasks).toBe(2);
  for (const value of ['perhaps', '1', 'TRUE']) {
    await expectRefused(api, pool, () => api.call('POST', `${path}?atomic=${value}`, items('odd')), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: '/query/atomic', message: `must be boolean, got "${value}"` }],
    });
  }
});
