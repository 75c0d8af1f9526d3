import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { Answer, TestApi } from '../../support/api.ts';

/** What a refused request must leave as it was: how many tasks and dispatches there are. */
export async function counts(pool: Pool): Promise<{ tasks: number; dispatches: number }> {
  const { rows } = await pool.query<{ tasks: number; dispatches: number }>(
    `select (select count(*) from errand.tasks) as tasks,
            (select count(*) from errand_worker._private_jobs) as dispatches`,
  );
  return rows[0] ?? { tasks: -1, dispatches: -1 };
}

/** One row of the ledger, with columns that no answer shows, but what only the statement reads that writes it. */
export async function ledgerRow(pool: Pool, id: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<Record<string, unknown>>('select * from errand.tasks where id = $1', [
    id,
  ]);
  const { before_duplicate: _, ...row } = rows[0] ?? {};
  return row;
}

/** The dispatches of these tasks, as graphile-worker has them. */
export async function dispatchesOf(pool: Pool, ids: string[]): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `select j.key, j.priority, j.run_at, j.payload, t.identifier
       from errand_worker._private_jobs j
       join errand_worker._private_tasks t on t.id = j.task_id
      where j.payload::jsonb ?| $1
      order by j.id`,
    [ids],
  );
  return rows;
}

/** What an error answer is to be. The details are those given, in any order, or `some`, or none. */
export type Refusal = {
  status: number;
  code: string;
  details?: { path: string; message: unknown }[] | 'some';
};

/** Asserts that an answer is an error in the one documented shape, for this reason, and with nothing beside it. */
export function expectError(answer: Answer, { status, code, details }: Refusal): void {
  expect({ status: answer.status, body: answer.body ?? answer.text }).toEqual({
    status,
    body: {
      error: expect.stringMatching(/./),
      code,
      request_id: answer.headers.get('x-request-id'),
      ...(details === undefined ? {} : { details: expect.any(Array) }),
    },
  });
  if (details === 'some') expect(answer.body.details).not.toEqual([]);
  else if (details !== undefined) expect(sorted(answer.body.details)).toEqual(sorted(details));
}

function sorted<T extends { path: string }>(details: T[]): T[] {
  return details.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Sends a request that must be refused for this reason, change nothing, and not keep the API from the next one. */
export async function expectRefused(
  api: TestApi,
  pool: Pool,
  send: () => Promise<Answer>,
  refusal: Refusal,
): Promise<Answer> {
  const before = await counts(pool);
  const answer = await send();
  expectError(answer, refusal);
  expect(await counts(pool)).toEqual(before);
  expect((await api.call('GET', '/v1/tasks?page_size=1')).status).toBe(200);
  return answer;
}
