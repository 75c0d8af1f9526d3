import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';
import { type Submission, submitTasks } from '../../../../store/submit/submit.ts';
import { submitBatch } from '../../../../store/submit/submit_batch.ts';
import { submitNew } from '../../../../store/submit/submit_new.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, submitOne } from '../../../support/tasks.ts';
import { base } from '../../workflows/shapes.ts';
import { registeredHandlersOf, submitWorkflow } from '../../workflows/workflows.ts';

const { pool } = await createDatabase();

const submission: Submission = {
  ...{ name: 's.x', version: '1.0.0', payload: {}, priority: 0, maxAttempts: 1, runAt: null, delayMs: null },
  ...{
    dedup: { dedup: null, key: null },
    dedupWindowMs: null,
    tags: [],
    initiator: null,
    sourceSystem: null,
  },
  ...{ reason: null, requestId: null, traceparent: null, submittedBy: 'key:billing' },
};

/** Who submitted the tasks of a name, oldest first. */
async function submitters(name: string): Promise<(string | null)[]> {
  const { rows } = await pool.query<{ submitted_by: string | null }>(
    'select submitted_by from errand.tasks where name = $1 order by id',
    [name],
  );
  return rows.map((row) => row.submitted_by);
}

test('whichever statement writes a submission keeps who submitted it', async () => {
  await submitTasks(pool, [submission, { ...submission, submittedBy: undefined }]);
  await submitNew(pool, [submission]);
  await submitBatch(pool, [submission]);
  const keyed: Submission = { ...submission, dedup: { dedup: 'key', key: 'k' } };
  await submitBatch(pool, [keyed]);
  expect(await submitters('s.x')).toEqual(['key:billing', null, 'key:billing', 'key:billing', 'key:billing']);
});

test('who submits a task again that has failed is not who submitted it', async () => {
  const again: Submission = { ...submission, name: 's.again', dedup: { dedup: 'key', key: 'k' } };
  const [first] = await submitTasks(pool, [again]);
  await cancelTask(pool, String(first?.task?.id));
  const [second] = await submitTasks(pool, [{ ...again, submittedBy: 'key:other', mayOperate: true }]);
  expect(second?.outcome).toBe('rearmed');
  expect(await submitters('s.again')).toEqual(['key:billing']);
});

test('steps, children and follow-ups were submitted by the task that they come from, deliveries by their callback', async () => {
  const value = z.strictObject({ value: z.number() });
  const child = defineTask({ ...base, name: 'by.child', result: value });
  const after = defineTask({ ...base, name: 'by.after', policy: { dedup: { strategy: 'none' } } });
  const flow = defineWorkflow({ ...base, name: 'by.flow', steps: { all: step({ map: child }) } });
  const code = defineSteps(flow, { steps: { all: { payloads: () => [{ value: 1 }] } } });
  const registeredHandlers = new Map([
    ...registeredHandlersOf(pool, flow, code),
    registeredHandler(child, async (payload, { submit }) => {
      await submit(after, payload);
      return payload;
    }),
  ]);
  await startTestRunner(pool, { registeredHandlers });
  const submitted = { submittedBy: 'key:billing', callbackUrl: 'https://example.com/hook' };
  const { id } = await submitWorkflow(pool, flow, { value: 1 }, submitted);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });

  const { rows } = await pool.query<{ name: string; by: string; parent_id: string; id: string }>(
    `select name, submitted_by as by, parent_id, id from errand.tasks where name like 'by.%' or callback_of = $1 order by id`,
    [id],
  );
  const [whole, all, mapped] = rows;
  expect(rows.map(({ name, by }) => [name, by])).toEqual([
    ['by.flow', 'key:billing'],
    ['by.flow.all', `task:${whole?.id}`],
    ['by.child', `task:${all?.id}`],
    ['by.after', `task:${mapped?.id}`],
    ['webhook.deliver', 'callback'],
  ]);
});

test('a step for failures that is renewed keeps who submitted it', async () => {
  const { id } = await submitOne(pool, { name: 's.parent', payload: {} });
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, parent_id, step, submitted_by)
     values ('s.failure', '1', 'succeeded', 0, 1, now(), '{}', $1::uuid, 'on_failure', 'task:' || $1::uuid)`,
    [id],
  );
  await pool.query(`select errand.renew_failure_steps(array[$1::uuid], '{succeeded}')`, [id]);
  expect(await submitters('s.failure')).toEqual([`task:${id}`, `task:${id}`]);
});
