import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const guarded = await startApi(pool, { authenticate: authenticateByWords });

/** A task that has failed so often, with 90 KB of metadata each time, and has succeeded then. */
async function tried(failures: number): Promise<string> {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'a' } });
  await pool.query(
    `insert into errand.attempts (task_id, attempt, outcome, started_at, finished_at, error)
     select $1, n, 'failed', now(), now(),
            jsonb_build_object('error_type', 'Error', 'message', 'failure ' || n, 'error_code', null, 'retryable', true,
                               'metadata', jsonb_build_object('text', repeat('x', 90000)), 'stack', null)
       from generate_series(1, $2) n`,
    [id, failures],
  );
  await pool.query(
    `update errand.tasks set state = 'succeeded', attempt = $2, dispatch_id = null, started_at = now(), finished_at = now() where id = $1`,
    [id, failures + 1],
  );
  return id;
}

const numbers = (attempts: { attempt: number }[]): number[] => attempts.map(({ attempt }) => attempt);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('a record has the last ten attempts and says how many there are, however large they are', async () => {
  const { body, text } = await api.call('GET', `/v1/tasks/${await tried(100)}`);
  expect(numbers(body.attempts)).toEqual(range(92, 101));
  expect(body).toMatchObject({
    attempts_total: 101,
    attempts: [{ outcome: 'failed' }, ...Array(8).fill({}), { outcome: 'succeeded' }],
  });
  expect(text.length).toBeLessThan(1_000_000);
  const few = await api.call('GET', `/v1/tasks/${await tried(2)}`);
  expect([numbers(few.body.attempts), few.body.attempts_total]).toEqual([[1, 2, 3], 3]);
  const ten = await api.call('GET', `/v1/tasks/${await tried(9)}`);
  expect([numbers(ten.body.attempts), ten.body.attempts_total]).toEqual([range(1, 10), 10]);
});

test('all attempts are there in pages, from the last ones back', async () => {
  const path = `/v1/tasks/${await tried(24)}/attempts`;
  const page = async (query: string): Promise<[number[], number | null]> => {
    const { body } = await api.call('GET', `${path}${query}`);
    return [numbers(body.items), body.next_before];
  };
  expect(await page('')).toEqual([range(16, 25), 16]);
  expect(await page('?before=16')).toEqual([range(6, 15), 6]);
  expect(await page('?before=6')).toEqual([range(1, 5), null]);
  expect(await page('?before=1')).toEqual([[], null]);
  expect(await page('?page_size=25')).toEqual([range(1, 25), null]);
  expect((await api.call('GET', `${path}?page_size=51`)).status).toBe(400);
  expect((await guarded.call('GET', path, undefined, as('ann of example'))).status).toBe(200);
  expect((await guarded.call('GET', path, undefined, as('eve of text'))).status).toBe(404);
  expect((await api.call('GET', '/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057/attempts')).status).toBe(404);
});
