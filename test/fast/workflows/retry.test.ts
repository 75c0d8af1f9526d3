import { expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../core/errors.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { retryTasks } from '../../../store/operators/retry.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask, retryTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, outcomes } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { base } from './shapes.ts';
import { forked, newPlay, type Play, startForked } from './shapes_forked.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();
const ACT = { actor: 'test', reason: null, requestId: null };
const DONE = {
  broken: 'succeeded 2',
  after: 'succeeded 1',
  side: 'succeeded 1',
  beside: 'succeeded 1',
};

/** A forked workflow that has failed with its step `broken`. */
async function failedOne(): Promise<{ id: string; play: Play }> {
  const play = newPlay('broken');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  return { id, play };
}

test('a retried workflow runs the failed steps again and no others, and goes on', async () => {
  const { id, play } = await failedOne();
  play.failing.clear();
  expect(await retryTask(pool, id)).toMatchObject({ state: 'running', attempt: 2, error: null });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await childrenOf(pool, id)).toEqual({
    ...DONE,
    on_failure: 'succeeded 1',
    'on_failure-1': 'succeeded 1',
  });
  expect(play.told).toHaveLength(1);
  expect(await outcomes(pool, id)).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ]);
});

test('a retried step has its failed workflow go on', async () => {
  const { id, play } = await failedOne();
  play.failing.clear();
  const { id: broken } = await stepOf(pool, id, 'broken');
  expect(await retryTask(pool, broken)).toMatchObject({ state: 'queued', attempt: 2 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await childrenOf(pool, id)).toMatchObject(DONE);
});

test.each(['its workflow', 'the step'])(
  'a second failure after a retry of %s is a second attempt',
  async (of) => {
    const { id, play } = await failedOne();
    const retried = of === 'the step' ? (await stepOf(pool, id, 'broken')).id : id;
    expect(await retryTask(pool, retried)).not.toBeNull();
    expect(await finished(pool, id)).toMatchObject({ state: 'failed', attempt: 2 });
    const attempts = [
      [1, 'failed'],
      [2, 'failed'],
    ];
    expect(await outcomes(pool, id)).toEqual(attempts);
    expect(await outcomes(pool, (await stepOf(pool, id, 'broken')).id)).toEqual(attempts);
    expect(play.told).toHaveLength(2);
  },
);

test('a step is retried alone only while its workflow can go on', async () => {
  const { id, play } = await failedOne();
  const { id: broken } = await stepOf(pool, id, 'broken');
  await pool.query(`update errand.tasks set state = 'cancelled' where id = $1`, [id]);
  expect(await retryTask(pool, broken)).toBeNull();
  await pool.query(`update errand.tasks set state = 'succeeded' where id = $1`, [id]);
  expect(await retryTask(pool, broken)).toBeNull();
  expect(play.ran.filter((name) => name === 'broken')).toHaveLength(1);
});

test('a workflow and its step retried together run the step once', async () => {
  const { id, play } = await failedOne();
  play.failing.clear();
  const { id: broken } = await stepOf(pool, id, 'broken');
  expect(await retryTasks(pool, [broken, id], ACT, null)).toEqual([id]);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await childrenOf(pool, id)).toMatchObject(DONE);
});

test('a step is retried also when its workflow is in the list and still runs', async () => {
  const play = newPlay('broken');
  play.holding.add('side');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  await until('the step failed', async () => (await stepOf(pool, id, 'broken')).state === 'failed');
  play.failing.clear();
  const { id: broken } = await stepOf(pool, id, 'broken');
  expect(await retryTasks(pool, [broken, id], ACT, null)).toEqual([broken]);
  play.holding.clear();
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('two operators at once retry it once', async () => {
  const { id, play } = await failedOne();
  play.failing.clear();
  const retried = await Promise.all(Array.from({ length: 8 }, () => retryTask(pool, id)));
  expect(retried.filter((task) => task !== null)).toHaveLength(1);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await childrenOf(pool, id)).toMatchObject(DONE);
});

test('a step that was cancelled before its turn waits for it again', async () => {
  const play = newPlay();
  play.holding.add('broken');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  const { id: after } = await stepOf(pool, id, 'after');
  expect(await cancelTask(pool, after)).toMatchObject({ state: 'cancelled' });
  expect(await retryTask(pool, after)).toMatchObject({ state: 'waiting', attempt: 1 });
  play.holding.clear();
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(play.results.after).toEqual({ broken: { step: 'broken', value: 1 } });
});

const summed = defineWorkflow({
  ...base,
  name: 'retry.summed',
  steps: { one: step({}) },
  result: z.strictObject({ sum: z.number() }),
});

test.each(['retry', 'resubmission'])(
  'after a %s of a workflow whose output failed no step runs again',
  async (by) => {
    let failures = 2;
    const code = defineSteps(summed, {
      steps: { one: { handler: () => 1 } },
      output: () => {
        if (failures-- > 0) throw new PermanentError('no sum');
        return { sum: 1 };
      },
    });
    await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, summed, code)) });
    const dedup = { dedup: { dedup: 'key', key: by } as const };
    const { id } = await submitWorkflow(pool, summed, { value: 1 }, dedup);
    expect(await finished(pool, id)).toMatchObject({ state: 'failed', attempt: 1 });
    if (by === 'retry') expect(await retryTask(pool, id)).toMatchObject({ state: 'queued' });
    else
      expect(await submitWorkflow(pool, summed, { value: 1 }, dedup)).toMatchObject({ id, state: 'queued' });
    const again = await until('it failed again', async () => {
      const task = await finished(pool, id);
      return task.attempt === 2 && task;
    });
    expect(again.started_at).not.toBeNull();
    expect(await retryTask(pool, id)).toMatchObject({ state: 'queued', attempt: 3 });
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { sum: 1 } });
    expect(await childrenOf(pool, id)).toEqual({ one: 'succeeded 1' });
    expect((await outcomes(pool, id)).map(([, outcome]) => outcome)).toEqual([
      'failed',
      'failed',
      'succeeded',
    ]);
  },
);
