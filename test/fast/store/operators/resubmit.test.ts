import { expect, test } from 'vitest';
import { resubmitTask } from '../../../../store/operators/resubmit.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
const ACT = { actor: 'user:ann', reason: 'wrong', requestId: null };
const AT_ONCE = 6;

async function failed(): Promise<string> {
  const { id } = await submitOne(pool, { name: 'shop.pay', payload: { amount: 1 } });
  await pool.query(`update errand.tasks set state = 'failed', finished_at = now() where id = $1`, [id]);
  return id;
}

const submission = (dedup: Submission['dedup']): Submission => ({
  name: 'shop.pay',
  version: '1.0.0',
  payload: { amount: 2 },
  priority: 0,
  maxAttempts: 1,
  dedup,
  requestId: null,
  traceparent: null,
});

const resubmit = (id: string, dedup: Submission['dedup']) =>
  Promise.all(Array.from({ length: AT_ONCE }, () => resubmitTask(pool, id, submission(dedup), ACT)));

test('of resubmissions on several connections at the same time one replaces the task', async () => {
  const id = await failed();
  const outcomes = (await resubmit(id, { dedup: null, key: null })).map(({ outcome }) => outcome);
  expect(outcomes.toSorted()).toEqual(['created', ...Array.from({ length: AT_ONCE - 1 }, () => 'replaced')]);
  const { rows } = await pool.query(
    `select count(*)::integer as made, (select count(*)::integer from errand.audit where task_id = $1) as acts
       from errand.tasks where resubmission_of = $1`,
    [id],
  );
  expect(rows).toEqual([{ made: 1, acts: 1 }]);
});

test('with one key all of them get the same task', async () => {
  const id = await failed();
  const given = await resubmit(id, { dedup: 'idempotency_key', key: `resubmit:${id}:a` });
  expect(given.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
  expect(new Set(given.map((one) => ('task' in one ? one.task?.id : one.outcome))).size).toBe(1);
});
