import { expect, test } from 'vitest';
import { startApi, type TestApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { type OwnApi, startOwnApi } from '../app.ts';
import { expectError } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const ECHO = '/v1/tasks/example.echo';
let count = 0;

const submit = (to: TestApi, options: Record<string, unknown> = {}) =>
  to.call('POST', ECHO, { payload: { message: `number ${++count}` }, ...options });

/** The errors that were logged. */
function logged(own: OwnApi): { type: string; message: string; stack: string }[] {
  return own.lines.flatMap((line) => (line.level === 50 && line.err ? [line.err as never] : []));
}

test('what a handler throws is 500 without internals, logged whole, and the next request is served', async () => {
  const own = await startOwnApi(pool, {
    submitOne: async () => {
      throw new TypeError('password=hunter2 at /secret/path.ts');
    },
  });
  for (let round = 0; round < 3; round++) {
    const answer = await submit(own);
    expectError(answer, { status: 500, code: 'INTERNAL_ERROR' });
    expect(answer.body.error).toBe('Internal server error');
    expect(answer.text).not.toMatch(/hunter2|secret|TypeError|at /);
    expect(logged(own)[round]).toMatchObject({
      type: 'TypeError',
      message: 'password=hunter2 at /secret/path.ts',
      stack: expect.stringMatching(/errors\.test/),
    });
    expect((await own.call('GET', '/v1/tasks')).status).toBe(200);
  }
  expect(own.lines.find((line) => line.err)?.request_id).toMatch(/^[0-9a-f-]{36}$/);
});

test('a handler that throws what is no error is 500 too', async () => {
  let thrown: unknown;
  const own = await startOwnApi(pool, { submitOne: () => Promise.reject(thrown) });
  for (thrown of ['oops', undefined, null, { status: 200 }, 5]) {
    expectError(await submit(own), { status: 500, code: 'INTERNAL_ERROR' });
    expect((await own.call('GET', '/v1/tasks')).status).toBe(200);
  }
});

test('an error of Postgres is 500 without its text', async () => {
  const own = await startOwnApi(pool);
  await pool.query('alter function errand.dedup_hash rename to gone');
  const answer = await submit(own);
  await pool.query('alter function errand.gone rename to dedup_hash');
  expectError(answer, { status: 500, code: 'INTERNAL_ERROR' });
  expect(answer.text).not.toMatch(/dedup_hash|function|errand/);
  expect(logged(own)[0]?.message).toMatch(/function errand\.dedup_hash\(.*\) does not exist/);
  expect((await submit(own)).status).toBe(201);
});

test('the violation of a unique constraint is 409 with its name', async () => {
  await pool.query('create unique index one_task_per_ann on errand.tasks (initiator)');
  expect((await submit(api, { initiator: 'ann' })).status).toBe(201);
  const second = await submit(api, { initiator: 'ann' });
  const path = `${ECHO}/batch`;
  const batch = await api.call('POST', path, {
    items: [{ payload: { message: 'ann again' }, initiator: 'ann' }],
  });
  await pool.query('drop index errand.one_task_per_ann');
  for (const answer of [second, batch]) {
    expectError(answer, { status: 409, code: 'CONFLICT' });
    expect(answer.body.error).toBe('The change conflicts with the constraint one_task_per_ann');
  }
  expect((await submit(api, { initiator: 'ann' })).status).toBe(201);
});

test.each([
  ['40P01', 503, 'SERVICE_UNAVAILABLE'],
  ['53100', 503, 'SERVICE_UNAVAILABLE'],
  ['53200', 503, 'SERVICE_UNAVAILABLE'],
  ['53300', 503, 'SERVICE_UNAVAILABLE'],
  ['57P01', 503, 'SERVICE_UNAVAILABLE'],
  ['57P03', 503, 'SERVICE_UNAVAILABLE'],
  ['08006', 503, 'SERVICE_UNAVAILABLE'],
  ['25006', 503, 'SERVICE_UNAVAILABLE'],
  ['57014', 408, 'REQUEST_TIMEOUT'],
  ['22P05', 500, 'INTERNAL_ERROR'],
  ['42501', 500, 'INTERNAL_ERROR'],
])('when Postgres says %s it is %i', async (code, status, name) => {
  await pool.query(`
    create or replace function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'secret text' using errcode = '${code}'; end $$;
    create trigger refuse before insert on errand.tasks for each row execute function refuse()`);
  const answer = await submit(api);
  await pool.query('drop trigger refuse on errand.tasks');
  expectError(answer, { status, code: name });
  expect(answer.text).not.toContain('secret text');
  if (status !== 500) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await submit(api)).status).toBe(201);
});

test('an answer that would not fit the document is 500 in tests', async () => {
  await pool.query(`insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, error)
                    values ('example.echo', '1', 'failed', 0, 1, now(), '{}', '{"message":"no more"}')`);
  expect((await api.call('GET', '/v1/tasks')).status).toBe(500);
  await pool.query(`delete from errand.tasks where error is not null`);
  expect((await api.call('GET', '/v1/tasks')).status).toBe(200);
});
