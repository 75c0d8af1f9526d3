import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startFileRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { registryWith } from '../api/definitions.ts';
import { base } from './shapes.ts';
import { registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

// An operator says what one of the tasks of a list came to, or all of them.

const { pool } = await createDatabase();
const value = z.strictObject({ value: z.number() });
const part = defineTask({
  ...base,
  name: 'sum.part',
  payload: value,
  example: { value: 1 },
  result: value,
  policy: { maxAttempts: 1 },
});
const sum = defineWorkflow({ ...base, name: 'sum.all', steps: { parts: step({ map: part }) } });
const code = defineSteps(sum, {
  steps: { parts: { payloads: () => [1, 2, 3, 4].map((number) => ({ value: number })) } },
});
const registry = registryWith(part, sum);
await registerDefinitions(pool, registry.definitions);
const api = await startApi(pool, { registry });
const unknowing = await startApi(pool);
const runner = await startFileRunner(pool, {
  registeredHandlers: new Map([
    ...registeredHandlersOf(pool, sum, code),
    registeredHandler(part, ({ value: number }) => {
      if (number === 3) throw new Error('no third');
      return { value: number * 10 };
    }),
  ]),
});
afterAll(() => runner.stop());

/** A workflow that has failed, as the third of its four parts has. */
async function failedSum() {
  const { id } = await submitWorkflow(pool, sum, { value: 1 });
  expect((await finished(pool, id)).state).toBe('failed');
  const parts = await stepOf(pool, id, 'parts');
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.tasks where parent_id = $1 and state = 'failed'`,
    [parts.id],
  );
  return {
    id,
    parts: `/v1/tasks/${id}/workflow_steps/${parts.id}`,
    third: `/v1/tasks/${parts.id}/workflow_steps/${rows[0]?.id}`,
  };
}

const saying = (resolution_data: unknown) => ({
  resolution_data,
  resolved_by: 'ann',
  reason: 'Counted by hand',
});

test('one that has failed is resolved, and the step joins it with the others', async () => {
  const { id, third } = await failedSum();
  const answer = await api.call('PATCH', third, saying({ value: 33 }));
  expect(answer).toMatchObject({ status: 200, body: { state: 'resolved', step: null, name: 'sum.part' } });
  const done = await finished(pool, id);
  expect(done.state).toBe('succeeded');
  expect(done.result).toEqual([10, 20, 33, 40].map((number) => ({ value: number })));
  // It is done.
  expect((await api.call('PATCH', third, saying({ value: 34 }))).status).toBe(400);
});

test.each([
  ['that knows the definition', api],
  ['that has it registered', unknowing],
])('what does not fit its result is refused by an API %s', async (_what, one) => {
  const { third } = await failedSum();
  const answer = await one.call('PATCH', third, saying({ value: 'many' }));
  expect(answer.status).toBe(400);
  expect(answer.body.details[0].path).toBe('/body/resolution_data/value');
});

test.each([
  ['that knows the definition', api],
  ['that has it registered', unknowing],
])('the whole list is resolved by as many results as there are tasks, at an API %s', async (_what, one) => {
  const { id, parts } = await failedSum();
  for (const few of [[], [{ value: 1 }], Array(5).fill({ value: 1 })]) {
    const answer = await one.call('PATCH', parts, saying(few));
    expect([answer.status, answer.body.details]).toEqual([
      400,
      [
        {
          path: '/body/resolution_data',
          message: expect.stringContaining(
            `must have 4 items, one for each task that the step created, got ${few.length}`,
          ),
        },
      ],
    ]);
  }
  expect((await one.call('PATCH', parts, saying(Array(4).fill({ value: 7 })))).status).toBe(200);
  expect((await finished(pool, id)).result).toEqual(Array(4).fill({ value: 7 }));
});
