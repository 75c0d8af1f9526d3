import { afterEach, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { counts, expectError } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const ECHO = '/v1/tasks/example.echo';

/** From now on graphile-worker refuses every new job of this database. */
async function breakDispatches(): Promise<void> {
  await pool.query(`
    create function refuse_dispatch() returns trigger language plpgsql as
      $$ begin raise exception 'no dispatch today'; end $$;
    create trigger refuse_dispatch before insert on errand_worker._private_jobs
      for each row execute function refuse_dispatch()`);
}

afterEach(() => pool.query('drop function if exists refuse_dispatch cascade'));

test('no dispatch, no task: one submission', async () => {
  await breakDispatches();
  const before = await counts(pool);
  const answer = await api.call('POST', ECHO, { payload: { message: 'one' } });
  expectError(answer, { status: 500, code: 'INTERNAL_ERROR' });
  expect(await counts(pool)).toEqual(before);
});

test('no dispatch, no task: a batch, atomic or not, with a key or without', async () => {
  await breakDispatches();
  const before = await counts(pool);
  const items = Array.from({ length: 200 }, (_, index) => ({ payload: { message: `batch ${index}` } }));
  for (const path of [`${ECHO}/batch`, `${ECHO}/batch?atomic=true`]) {
    expect((await api.call('POST', path, { items })).status).toBe(500);
    expect((await api.call('POST', path, { items }, { 'idempotency-key': 'k' })).status).toBe(500);
  }
  expect(await counts(pool)).toEqual(before);
});

test('no dispatch, no retry and no re-arming', async () => {
  const { body } = await api.call('POST', ECHO, { payload: { message: 'to fail' } });
  await pool.query(
    `update errand.tasks set state = 'failed', finished_at = now(), started_at = now() where id = $1`,
    [body.task.id],
  );
  await breakDispatches();
  expect((await api.call('PATCH', `/v1/tasks/${body.task.id}/retry`)).status).toBe(500);
  expect((await api.call('POST', ECHO, { payload: { message: 'to fail' } })).status).toBe(500);
  const read = await api.call('GET', `/v1/tasks/${body.task.id}`);
  expect(read.body).toMatchObject({ state: 'failed', attempt: 1, max_attempts: 25 });
});

test('no task, no dispatch', async () => {
  await pool.query('alter table errand.tasks add constraint no_ann check (initiator <> $$ann$$) not valid');
  const before = await counts(pool);
  const answer = await api.call('POST', ECHO, { payload: { message: 'refused' }, initiator: 'ann' });
  await pool.query('alter table errand.tasks drop constraint no_ann');
  expectError(answer, { status: 500, code: 'INTERNAL_ERROR' });
  expect(await counts(pool)).toEqual(before);
});

test('without a fault everything works', async () => {
  const before = await counts(pool);
  expect((await api.call('POST', ECHO, { payload: { message: 'healed' } })).status).toBe(201);
  const after = await counts(pool);
  expect(after).toEqual({ tasks: before.tasks + 1, dispatches: before.dispatches + 1 });
});
