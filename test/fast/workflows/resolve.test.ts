import { beforeEach, expect, test } from 'vitest';
import type { State } from '../../../core/states.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { resolveStep } from '../../../store/operators/resolve.ts';
import type { Task } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, inState, submitOne } from '../../support/tasks.ts';
import { base, diamond } from './shapes.ts';
import { forked, newPlay, startForked } from './shapes_forked.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();
// What a test leaves undone is nothing for the runner of the next one.
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});
const DATA = { step: 'by hand', value: 7 };

/** Resolves a step as an operator who may see everything. */
function resolve(workflowId: string, stepId: string, data: unknown = DATA): Promise<Task | null> {
  const act = { actor: 'key:operator', reason: null, requestId: 'r-1' };
  const resolution = { data, resolvedBy: 'Ada', reason: 'the supplier confirmed by phone' };
  return resolveStep(pool, { workflowId, stepId }, resolution, act, null);
}

test('a failed step that is resolved has its workflow go on and succeed with what was given for it', async () => {
  const play = newPlay('broken');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  const { id: broken } = await stepOf(pool, id, 'broken');
  const resolved = await resolve(id, broken);
  expect(resolved).toMatchObject({
    id: broken,
    state: 'resolved',
    error: null,
    result: {
      success: true,
      result: DATA,
      message: 'Manually resolved by Ada',
      retryable: false,
      metadata: { resolution_reason: 'the supplier confirmed by phone' },
    },
  });
  const { metadata } = (await stepOf(pool, id, 'broken')).result as { metadata: { resolved_at: string } };
  expect(Date.parse(metadata.resolved_at)).toBe(Date.parse(String(resolved?.finished_at)));
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(play.results.after).toEqual({ broken: DATA });
  expect(await childrenOf(pool, id)).toMatchObject({ broken: 'resolved 1', after: 'succeeded 1' });
  const audit = await pool.query(
    'select actor, action, target, reason, request_id, details from errand.audit where task_id = $1',
    [broken],
  );
  expect(audit.rows).toEqual([
    {
      actor: 'key:operator',
      action: 'resolve',
      target: 'graph.forked.broken',
      reason: 'the supplier confirmed by phone',
      request_id: 'r-1',
      details: { state: 'failed', resolved_by: 'Ada' },
    },
  ]);
});

test('the last step that is missing finishes the workflow with what was given for it', async () => {
  const ending = defineWorkflow({
    ...base,
    name: 'resolve.ending',
    steps: { one: step({}), two: step({ after: ['one'] }) },
  });
  const code = defineSteps(ending, {
    steps: { one: { handler: () => 1 }, two: { handler: () => Promise.reject(new Error('never')) } },
  });
  const { id } = await submitWorkflow(pool, ending, { value: 1 });
  expect(await resolve(id, (await stepOf(pool, id, 'two')).id)).toMatchObject({ state: 'resolved' });
  expect((await inState(pool, id, 'running')).result).toBeNull();
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, ending, code)) });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: DATA, attempt: 1 });
});

test.each(['queued', 'scheduled', 'waiting'] as const)(
  'a step that is %s and resolved is not run',
  async (state) => {
    const play = newPlay();
    const delayed = state === 'scheduled' ? { delayMs: 3_600_000 } : {};
    const { id } = await submitWorkflow(pool, forked, { value: 1 }, delayed);
    const name = state === 'waiting' ? 'after' : 'broken';
    const resolved = await inState(pool, (await stepOf(pool, id, name)).id, state);
    expect(await resolve(id, resolved.id)).toMatchObject({ state: 'resolved' });
    if (state !== 'waiting') expect(await childrenOf(pool, id)).toMatchObject({ after: 'queued 1' });
    if (state === 'scheduled') {
      expect(await resolve(id, (await stepOf(pool, id, 'side')).id)).toMatchObject({ state: 'resolved' });
    }
    await startForked(pool, play);
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
    expect(play.ran).not.toContain(name);
    expect(play.told).toEqual([]);
  },
);

test.each(['running', 'retrying', 'succeeded', 'skipped', 'cancelled', 'resolved'])(
  'a step that is %s can not be resolved',
  async (name) => {
    const { id } = await submitWorkflow(pool, forked, { value: 1 });
    const { id: broken } = await stepOf(pool, id, 'broken');
    const state: State = name === 'skipped' ? 'succeeded' : (name as State);
    await pool.query('update errand.tasks set state = $2, skipped = $3 where id = $1', [
      broken,
      state,
      name === 'skipped',
    ]);
    expect(await resolve(id, broken)).toBeNull();
    expect(await stepOf(pool, id, 'broken')).toMatchObject({ state, result: null });
    expect(await childrenOf(pool, id)).toMatchObject({ after: 'waiting 1' });
  },
);

test('what is no step of this workflow, or is one of a workflow that has ended, can not be resolved', async () => {
  const [mine, other] = [
    await submitWorkflow(pool, forked, { value: 1 }),
    await submitWorkflow(pool, forked, { value: 2 }),
  ];
  const broken = await stepOf(pool, mine.id, 'broken');
  expect(await resolve(other.id, broken.id)).toBeNull();
  expect(await resolve(mine.id, mine.id)).toBeNull();
  const plain = await submitOne(pool, { name: 'example.echo', payload: {} });
  expect(await resolve(plain.id, plain.id)).toBeNull();
  for (const state of ['succeeded', 'cancelled']) {
    await pool.query('update errand.tasks set state = $2 where id = $1', [mine.id, state]);
    expect(await resolve(mine.id, broken.id)).toBeNull();
  }
  expect(await stepOf(pool, mine.id, 'broken')).toMatchObject({ state: 'queued' });
});

test('the steps of a workflow that is part of another which has ended are left alone', async () => {
  const outer = defineWorkflow({ ...base, name: 'resolve.outer', steps: { inner: step({ run: forked }) } });
  const { id } = await submitWorkflow(pool, outer, { value: 1 });
  const { id: inner } = await stepOf(pool, id, 'inner');
  const nested = await submitWorkflow(pool, forked, { value: 1 }, { parentId: inner });
  await pool.query(`update errand.tasks set state = 'resolved', dispatch_id = null where id = $1`, [inner]);
  const broken = await stepOf(pool, nested.id, 'broken');
  expect(await resolve(nested.id, broken.id)).toBeNull();
});

test('a step for failures that is resolved by hand is not run, and a later failure is told to it no more', async () => {
  const play = newPlay('broken', 'on_failure');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  expect(await resolve(id, (await stepOf(pool, id, 'on_failure')).id)).toMatchObject({ state: 'resolved' });
  expect(await finished(pool, id)).toMatchObject({ state: 'failed', attempt: 2 });
  expect(play.told).toHaveLength(1);
});

test('two operators at once resolve it once', async () => {
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  const { id: broken } = await stepOf(pool, id, 'broken');
  const resolved = await Promise.all([1, 2, 3, 4].map((value) => resolve(id, broken, { value })));
  expect(resolved.filter((task) => task !== null)).toHaveLength(1);
  const play = newPlay();
  await startForked(pool, play);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(play.ran.filter((name) => name === 'after')).toHaveLength(1);
});

test('a step that comes after two waits for both, and its workflow for it', async () => {
  const { id } = await submitWorkflow(pool, diamond, { value: 1 });
  const counted = async (): Promise<unknown> => {
    const { rows } = await pool.query(
      `select coalesce(step, 'whole') as step, state, pending, dispatch_id is not null as is_dispatched
         from errand.tasks where step = 'sum' or id = $1 order by id`,
      [id],
    );
    return rows;
  };
  const whole = { step: 'whole', state: 'running', is_dispatched: false };
  expect(await resolve(id, (await stepOf(pool, id, 'plus')).id)).toMatchObject({ state: 'resolved' });
  expect(await counted()).toEqual([
    { ...whole, pending: 1 },
    { step: 'sum', state: 'waiting', pending: 1, is_dispatched: false },
  ]);
  expect(await resolve(id, (await stepOf(pool, id, 'minus')).id)).toMatchObject({ state: 'resolved' });
  expect(await counted()).toEqual([
    { ...whole, pending: 2 },
    { step: 'sum', state: 'queued', pending: 0, is_dispatched: true },
  ]);
  expect(await resolve(id, (await stepOf(pool, id, 'sum')).id)).toMatchObject({ state: 'resolved' });
  expect(await resolve(id, (await stepOf(pool, id, 'double')).id)).toMatchObject({ state: 'resolved' });
  expect(await counted()).toEqual([
    { ...whole, state: 'queued', pending: 0, is_dispatched: true },
    { step: 'sum', state: 'resolved', pending: 0, is_dispatched: false },
  ]);
});
