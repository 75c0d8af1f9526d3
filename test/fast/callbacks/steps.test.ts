import { beforeEach, expect, test } from 'vitest';
import { PermanentError } from '../../../core/errors.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { resolveStep } from '../../../store/operators/resolve.ts';
import { createDatabase } from '../../support/database.ts';
import { retryTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { base } from '../workflows/shapes.ts';
import { registeredHandlersOf, stepOf, submitWorkflow } from '../workflows/workflows.ts';
import { deliveriesOf } from './receiver.ts';

// Steps of workflows whose policy says where it is told how they ended.

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});
const ACT = { actor: 'test', reason: null, requestId: null };
const policy = { callbackUrl: 'http://127.0.0.1:9/nobody' };

const alarmed = defineWorkflow({
  ...base,
  name: 'graph.alarmed',
  steps: { broken: step({ policy }), after: step({ after: ['broken'] }) },
  onFailure: step({ policy }),
});
const code = defineSteps(alarmed, {
  steps: {
    broken: {
      handler: () => {
        throw new PermanentError('broken');
      },
    },
    after: { handler: () => null },
  },
  onFailure: () => null,
});

/** The types of what is told of a task. */
async function told(id: string): Promise<string[]> {
  return (await deliveriesOf(pool, id)).map(({ type }) => type);
}

test('a step is told of, and its workflow, which has no callback, is not', async () => {
  const { id } = await submitWorkflow(pool, alarmed, { value: 1 });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, alarmed, code)) });
  await finished(pool, id);
  expect(await told((await stepOf(pool, id, 'broken')).id)).toEqual(['task.failed']);
  expect(await told((await stepOf(pool, id, 'after')).id)).toEqual([]);
  expect(await told(id)).toEqual([]);
});

test('a step that is resolved by hand is told of', async () => {
  const { id } = await submitWorkflow(pool, alarmed, { value: 1 });
  const { id: stepId } = await stepOf(pool, id, 'broken');
  const resolution = { data: { value: 1 }, resolvedBy: 'Ada', reason: 'a' };
  await resolveStep(pool, { workflowId: id, stepId }, resolution, ACT, null);
  expect(await told(stepId)).toEqual(['task.resolved']);
});

test('the step for failures is told of each time that its workflow fails', async () => {
  const { id } = await submitWorkflow(pool, alarmed, { value: 1 });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, alarmed, code)) });
  await finished(pool, id);
  const first = await stepOf(pool, id, 'on_failure');
  await retryTask(pool, id);
  await until('it has failed again', async () => {
    const { rows } = await pool.query(
      `select 1 from errand.tasks where id = $1 and state = 'failed' and attempt > 1`,
      [id],
    );
    return rows.length === 1;
  });
  const second = await stepOf(pool, id, 'on_failure');
  expect(second.id).not.toBe(first.id);
  expect([await told(first.id), await told(second.id)]).toEqual([['task.succeeded'], ['task.succeeded']]);
});
