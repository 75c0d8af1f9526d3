import { expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../core/errors.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, inState, outcomes } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { base } from './shapes.ts';
import { forked, newPlay, startForked } from './shapes_forked.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();

test('those after a failed step wait, others run to their end, and then the workflow fails with its name', async () => {
  const play = newPlay('broken');
  play.holding.add('beside');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  await until('the step beside runs', () => play.ran.includes('beside'));
  await until('the broken one failed', async () => (await stepOf(pool, id, 'broken')).state === 'failed');
  expect(await childrenOf(pool, id)).toMatchObject({ after: 'waiting 1', on_failure: 'waiting 1' });
  expect((await inState(pool, id, 'running')).runner_id).toBeNull();
  play.holding.clear();
  const broken = await stepOf(pool, id, 'broken');
  expect(await finished(pool, id)).toMatchObject({
    state: 'failed',
    attempt: 1,
    result: null,
    error: {
      error_code: 'STEP_FAILED',
      message: '1 of 4 did not succeed: broken failed: broken is broken',
      retryable: false,
      metadata: { failed: [{ id: broken.id, step: 'broken', name: 'graph.forked.broken', state: 'failed' }] },
    },
  });
  expect(await childrenOf(pool, id)).toEqual({
    broken: 'failed 1',
    after: 'waiting 1',
    side: 'succeeded 1',
    beside: 'succeeded 1',
    on_failure: 'succeeded 1',
  });
  expect(await outcomes(pool, id)).toEqual([[1, 'failed']]);
});

test('the step for failures is run once, knows what failed, and its workflow fails after it', async () => {
  const play = newPlay('broken', 'beside');
  play.holding.add('on_failure');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  await until('it runs', () => play.ran.includes('on_failure'));
  expect(play.ran.filter((name) => name !== 'on_failure').sort()).toEqual(['beside', 'broken', 'side']);
  expect(await inState(pool, id, 'running')).toMatchObject({ finished_at: null });
  play.holding.clear();
  const { error } = await finished(pool, id);
  expect(error?.message).toBe(
    '2 of 4 did not succeed: broken failed: broken is broken; beside failed: beside is broken',
  );
  expect(play.told).toEqual([
    [
      { step: 'broken', message: 'broken is broken' },
      { step: 'beside', message: 'beside is broken' },
    ],
  ]);
});

test('without a failure it is skipped, and nobody runs it', async () => {
  const play = newPlay();
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({
    state: 'succeeded',
    result: { after: { step: 'after', value: 1 }, beside: { step: 'beside', value: 1 } },
  });
  expect(play.told).toEqual([]);
  const onFailure = await stepOf(pool, id, 'on_failure');
  expect(onFailure).toMatchObject({ state: 'succeeded', result: null, started_at: null });
  expect(onFailure.finished_at).not.toBeNull();
  expect((await pool.query('select skipped from errand.tasks where id = $1', [onFailure.id])).rows).toEqual([
    { skipped: true },
  ]);
});

test('when it fails itself, its workflow still fails with what failed before', async () => {
  const play = newPlay('side', 'on_failure');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  const { state, error } = await finished(pool, id);
  expect({ state, message: error?.message }).toEqual({
    state: 'failed',
    message: '1 of 4 did not succeed: side failed: side is broken',
  });
  expect(await childrenOf(pool, id)).toMatchObject({ on_failure: 'failed 1', beside: 'waiting 1' });
});

test('a workflow whose output throws fails with that error, and no step is to blame', async () => {
  const summed = defineWorkflow({
    ...base,
    name: 'failure.summed',
    steps: { one: step({}) },
    result: z.strictObject({ sum: z.number() }),
    onFailure: step({}),
  });
  const told: unknown[] = [];
  const code = defineSteps(summed, {
    steps: { one: { handler: () => 1 } },
    output: () => {
      throw new PermanentError('no sum', { code: 'NO_SUM' });
    },
    onFailure: (_payload, { failed }) => told.push(failed),
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, summed, code)) });
  const { id } = await submitWorkflow(pool, summed, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed', error: { error_code: 'NO_SUM' } });
  expect(await childrenOf(pool, id)).toEqual({ one: 'succeeded 1', on_failure: 'waiting 1' });
  expect(told).toEqual([]);
});
