import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { stepRows } from '../../../core/workflows/graph.ts';
import { dispatchLost } from '../../../store/attempts/reconcile.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import type { Submission } from '../../../store/submit/submit.ts';
import { submitBatch } from '../../../store/submit/submit_batch.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { countDispatches, finished } from '../../support/tasks.ts';
import { base, diamond, diamondCode } from './shapes.ts';
import { forked, newPlay, startForked } from './shapes_forked.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});
const diamonds = (): ReturnType<typeof startTestRunner> =>
  startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, diamond, diamondCode)) });

function submission(value: number, options: Partial<Submission> = {}): Submission {
  return {
    name: diamond.name,
    version: diamond.version,
    payload: { value },
    priority: 0,
    maxAttempts: 3,
    runAt: null,
    delayMs: null,
    dedup: { dedup: null, key: null },
    dedupWindowMs: null,
    tags: ['a'],
    initiator: 'me',
    sourceSystem: 'crm',
    reason: null,
    requestId: 'r-1',
    traceparent: null,
    steps: stepRows(diamond.graph),
    ...options,
  };
}

test('a batch of workflows has all their steps, and the first of them share dispatches', async () => {
  const submitted = await submitBatch(
    pool,
    Array.from({ length: 150 }, (_, value) => submission(value)),
  );
  expect(new Set(submitted.map(({ outcome, task }) => `${outcome} ${task?.state}`))).toEqual(
    new Set(['created running']),
  );
  expect(await countDispatches(pool)).toBe(2);
  const { rows } = await pool.query(`
    select s.step, count(*)::integer as tasks, array_agg(distinct s.state) as states, array_agg(distinct s.pending) as pending,
           bool_and(s.payload = t.payload and s.request_id = 'r-1' and s.initiator = 'me' and s.parent_id = t.id) as of_it
      from errand.tasks s
      join errand.tasks t on t.id = s.parent_id
     group by s.step order by min(s.id::text)`);
  expect(rows).toEqual([
    { step: 'double', tasks: 150, states: ['queued'], pending: [0], of_it: true },
    { step: 'plus', tasks: 150, states: ['waiting'], pending: [1], of_it: true },
    { step: 'minus', tasks: 150, states: ['waiting'], pending: [1], of_it: true },
    { step: 'sum', tasks: 150, states: ['waiting'], pending: [2], of_it: true },
  ]);
  await diamonds();
  for (const [value, { task }] of submitted.entries()) {
    expect(await finished(pool, String(task?.id))).toMatchObject({ result: { value: value * 4 } });
  }
});

test('a duplicate, in a batch or after it, has no second set of steps', async () => {
  const dedup = { dedup: { dedup: 'payload', key: null } as const };
  const [one, two] = await submitBatch(pool, [submission(1, dedup), submission(1, dedup)]);
  expect([one?.outcome, two?.outcome]).toEqual(['created', 'duplicate']);
  expect(two?.task?.id).toBe(one?.task?.id);
  const many = await Promise.all(Array.from({ length: 5 }, () => submitBatch(pool, [submission(1, dedup)])));
  expect(many.flat().map(({ outcome }) => outcome)).toEqual(Array(5).fill('duplicate'));
  expect((await pool.query('select 1 from errand.tasks')).rowCount).toBe(5);
});

test('a failed workflow that is submitted again runs what failed, and what waited, with the new payload', async () => {
  const play = newPlay('broken');
  await startForked(pool, play);
  const dedup = { dedup: { dedup: 'key', key: 'k' } as const };
  const { id } = await submitWorkflow(pool, forked, { value: 1 }, dedup);
  expect(await finished(pool, id)).toMatchObject({ state: 'failed' });
  play.failing.clear();
  expect(await submitWorkflow(pool, forked, { value: 2 }, dedup)).toMatchObject({ id, state: 'running' });
  expect(await finished(pool, id)).toMatchObject({
    state: 'succeeded',
    attempt: 2,
    result: { after: { step: 'after', value: 2 }, beside: { step: 'beside', value: 1 } },
  });
  expect(play.results.after).toEqual({ broken: { step: 'broken', value: 2 } });
  expect(await childrenOf(pool, id)).toMatchObject({ broken: 'succeeded 2', side: 'succeeded 1' });
});

test('a workflow that is due later waits whole, is not dispatched before, and runs when it is due', async () => {
  await registerDefinitions(pool, [diamond]);
  const { id, state } = await submitWorkflow(pool, diamond, { value: 5 }, { delayMs: 3_600_000 });
  expect(state).toBe('scheduled');
  expect(await childrenOf(pool, id)).toMatchObject({ double: 'scheduled 1', plus: 'waiting 1' });
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  // Its time has come; the dispatch of its first step is lost, too.
  await pool.query(`update errand.tasks set run_at = now() - interval '1 minute' where state = 'scheduled'`);
  await pool.query('delete from errand_worker._private_jobs');
  expect((await dispatchLost(pool)).dispatched).toBe(1);
  await diamonds();
  const task = await finished(pool, id);
  expect(task).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 20 } });
  expect(task.started_at).not.toBeNull();
});

test('one that failed can be submitted again for later', async () => {
  const play = newPlay('broken');
  await startForked(pool, play);
  const dedup = { dedup: { dedup: 'key', key: 'k' } as const };
  const { id } = await submitWorkflow(pool, forked, { value: 1 }, dedup);
  await finished(pool, id);
  const later = await submitWorkflow(pool, forked, { value: 2 }, { ...dedup, delayMs: 3_600_000 });
  expect(later).toMatchObject({ id, state: 'scheduled', started_at: null });
  expect(await childrenOf(pool, id)).toMatchObject({ broken: 'scheduled 2', after: 'waiting 1' });
});

test('a large payload and large results reach those that need them', async () => {
  const text = z.strictObject({ text: z.string() });
  const large = defineWorkflow({
    ...base,
    name: 'submission.large',
    payload: text,
    example: { text: 'x' },
    steps: {
      one: step({ result: text }),
      two: step({ result: text }),
      both: step({ after: ['one', 'two'] }),
    },
  });
  // Random enough not to be small when compressed.
  const noise = Array.from({ length: 20_000 }, () => Math.random().toString(36).slice(2)).join('');
  const code = defineSteps(large, {
    steps: {
      one: { handler: (payload) => ({ text: `${payload.text}1` }) },
      two: { handler: (payload) => ({ text: `${payload.text}2` }) },
      both: {
        handler: (payload, { results }) => [
          payload.text === noise,
          results.one.text === `${noise}1`,
          results.two.text === `${noise}2`,
        ],
      },
    },
  });
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, large, code)) });
  const { id } = await submitWorkflow(pool, large, { text: noise });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: [true, true, true] });
});

test('by SQL a workflow comes with its steps, and a step alone is refused', async () => {
  await registerDefinitions(pool, [diamond]);
  const { rows } = await pool.query<{ id: string; state: string }>(
    `select * from errand.submit('graph.diamond', '{"value": 5}', priority => 3)`,
  );
  expect(rows).toMatchObject([{ state: 'running', created: true }]);
  const id = String(rows[0]?.id);
  expect(await stepOf(pool, id, 'double')).toMatchObject({ state: 'queued', priority: 3, max_attempts: 25 });
  await diamonds();
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 20 } });
  await expect(
    pool.query(`select errand.submit('graph.diamond.plus', '{"value": 5}')`),
  ).rejects.toMatchObject({
    message: "There is no task 'graph.diamond.plus'",
    hint: 'Registered: graph.diamond',
  });
});
