import { pino } from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineSteps, defineWorkflow, step, type WorkflowDefinition } from '../../../../core/workflow.ts';
import type { RegisteredHandler } from '../../../../runner/execute/execute.ts';
import { createMetrics } from '../../../../runner/health/metrics.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { openEvents } from '../../../support/network/event_source.ts';
import { parsePrometheus, seriesValue } from '../../../support/prometheus.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { deliveriesOf } from '../../callbacks/receiver.ts';
import { base, linear, linearCode } from '../../workflows/shapes.ts';
import { registeredHandlersOf, stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { noteDispatches } from './handing.ts';

// Issue 21: a workflow whose result is that of its only last step ends with it; everybody hears of that end once.

const { pool } = await createDatabase();
const announced = await noteDispatches(pool, 'graph');
const number = z.strictObject({ value: z.number() });

function start(...handlers: [string, RegisteredHandler][]) {
  return startTestRunner(pool, { registeredHandlers: new Map(handlers) });
}

/** Whether a workflow ended with its last step, and so was never due. */
async function endedByStep({ name }: WorkflowDefinition): Promise<boolean> {
  return !(await announced()).includes(name.replace('graph.', ''));
}

test('code for the output runs in an attempt of the workflow, which is handed off, too', async () => {
  const summed = defineWorkflow({
    ...base,
    name: 'graph.summed',
    result: number,
    steps: { only: step({ result: number }) },
  });
  let attempts = 0;
  const code = defineSteps(summed, {
    steps: { only: { handler: ({ value }) => ({ value }) } },
    output({ results }) {
      attempts++;
      return { value: results.only.value * 10 };
    },
  });
  await start(...registeredHandlersOf(pool, summed, code));
  const { id } = await submitWorkflow(pool, summed, { value: 4 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 40 } });
  expect(attempts).toBe(1);
  expect(await endedByStep(summed)).toBe(true);
});

test("a result is parsed as the workflow's, and one that does not fit fails the workflow, not its step", async () => {
  const parsed = defineWorkflow({
    ...base,
    name: 'graph.parsed',
    result: z.strictObject({ value: z.number().max(5), unit: z.string().default('m') }),
    steps: { only: step({}) },
  });
  const code = defineSteps(parsed, {
    steps: { only: { handler: ({ value }: { value: number }) => ({ value }) } },
    // A workflow with a result has an output by its types; one whose module is not checked may lack it.
  } as never);
  await start(...registeredHandlersOf(pool, parsed, code));
  const fits = await submitWorkflow(pool, parsed, { value: 5 });
  expect(await finished(pool, fits.id)).toMatchObject({
    state: 'succeeded',
    result: { value: 5, unit: 'm' },
  });
  const misfit = await submitWorkflow(pool, parsed, { value: 6 });
  expect(await finished(pool, misfit.id)).toMatchObject({
    state: 'failed',
    error: { error_code: 'INVALID_RESULT' },
  });
  expect(await stepOf(pool, misfit.id, 'only')).toMatchObject({ state: 'succeeded', result: { value: 6 } });
});

test('a workflow inside of a workflow gives its result to the step that it is for', async () => {
  const inner = defineWorkflow({ ...base, name: 'graph.inner', steps: { only: step({ result: number }) } });
  const outer = defineWorkflow({
    ...base,
    name: 'graph.outer',
    steps: { nested: step({ run: inner }), last: step({ after: ['nested'], result: number }) },
  });
  await start(
    ...registeredHandlersOf(
      pool,
      inner,
      defineSteps(inner, { steps: { only: { handler: ({ value }) => ({ value: value + 1 }) } } }),
    ),
    ...registeredHandlersOf(
      pool,
      outer,
      defineSteps(outer, {
        steps: {
          nested: { payload: ({ payload }) => payload },
          last: { handler: (_payload, { results }) => ({ value: number.parse(results.nested).value * 2 }) },
        },
      }),
    ),
  );
  const { id } = await submitWorkflow(pool, outer, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 4 } });
  const { rows } = await pool.query(
    `select name, state, attempt from errand.tasks where (state <> 'succeeded' or attempt <> 1) and starts_with(name, 'graph.inner') or starts_with(name, 'graph.outer') and state <> 'succeeded'`,
  );
  expect(rows).toEqual([]);
});

test('the end is delivered once, counted once, waited for, and in the stream of changes', async () => {
  await registerDefinitions(pool, [linear]);
  const api = await startApi(pool);
  const events = createEvents(pino({ level: 'silent' }));
  const handlers = new Map(registeredHandlersOf(pool, linear, linearCode));
  const metrics = createMetrics(events, [...handlers.keys()]);
  const task = await submitWorkflow(pool, linear, { value: 1 }, { callbackUrl: 'http://127.0.0.1:9/nobody' });
  const { id } = task;
  const stream = await openEvents(`${api.url}/v1/tasks/${id}/events`, {}, false);
  const waiting = api.call('GET', `/v1/tasks/${id}?wait=30`);
  await startTestRunner(pool, { events, registeredHandlers: handlers });
  expect((await waiting).body).toMatchObject({ id, state: 'succeeded', attempt: 1, result: { value: 5 } });
  await until('the stream tells the end', () => JSON.stringify(stream.events).includes('succeeded'));
  stream.close();
  expect(await endedByStep(linear)).toBe(true);
  expect((await deliveriesOf(pool, id)).map(({ type }) => type)).toEqual(['task.succeeded']);
  const families = parsePrometheus(await metrics.metrics());
  for (const name of ['graph.linear', 'graph.linear.one', 'graph.linear.four'])
    expect([
      name,
      seriesValue(families, 'errand_attempts_total', { namespace: 'graph', name, outcome: 'succeeded' }),
      seriesValue(families, 'errand_attempt_duration_seconds_count', { namespace: 'graph', name }),
    ]).toEqual([name, 1, 1]);
});
