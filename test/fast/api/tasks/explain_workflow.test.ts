import type { Pool } from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../../core/errors.ts';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';
import { resolveStep } from '../../../../store/operators/resolve.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, inState } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { registeredHandlersOf, submitWorkflow } from '../../workflows/workflows.ts';
import { registryWith, textTask } from '../definitions.ts';
import { codesOf, explanationOf, fakeRunner, noRunners } from '../explaining.ts';

const { pool } = await createDatabase();
const item = textTask('explained.item', {});
const base = {
  version: '1.0.0',
  description: 'For this test',
  payload: z.strictObject({ act: z.string() }),
  example: { act: '' },
};

/** check → charge and maybe gift → ship; each item → count. */
const order = defineWorkflow({
  ...base,
  name: 'explained.order',
  steps: {
    check: step({}),
    charge: step({ after: ['check'], policy: { maxAttempts: 1 } }),
    gift: step({ after: ['check'], conditional: true }),
    ship: step({ after: ['charge', 'gift'] }),
    each: step({ map: item }),
  },
  onFailure: {},
});
const registry = registryWith(item, order);
await registerDefinitions(pool, registry.definitions);
const api = await startApi(pool, { registry });

let gate = Promise.withResolvers<void>();
const orderCode = defineSteps(order, {
  steps: {
    check: { handler: () => 'checked' },
    charge: {
      handler: async ({ act }, { log }) => {
        log.info('begun');
        if (act === 'wait') await gate.promise;
        if (act === 'fail') throw new PermanentError('card stolen');
      },
    },
    gift: { when: () => false, handler: () => null },
    ship: { handler: () => 'shipped' },
    each: { payloads: ({ payload }) => ['a', 'b', payload.act].map((text) => ({ text })) },
  },
  onFailure: () => 'told',
});

beforeEach(async () => {
  gate = Promise.withResolvers();
  await noRunners(pool);
  await pool.query('truncate errand.tasks, errand.pauses cascade');
});

function runner(database: Pool): ReturnType<typeof startTestRunner> {
  const ofItem = registeredHandler(item, async (payload, { log }) => {
    log.info('begun');
    if ((payload as { text: string }).text === 'wait') await gate.promise;
  });
  return startTestRunner(database, {
    registeredHandlers: new Map([ofItem, ...registeredHandlersOf(database, order, orderCode)]),
  });
}

async function stepsOf(id: string): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ step: string; id: string }>(
    'select step, id from errand.tasks where parent_id = $1',
    [id],
  );
  return Object.fromEntries(rows.map((row) => [row.step, row.id]));
}

test('under way: the workflow, a step that waits, one with children, one that was skipped', async () => {
  await runner(pool);
  const { id } = await submitWorkflow(pool, order, { act: 'wait' });
  const steps = await stepsOf(id);
  await inState(pool, steps.charge ?? '', 'running');
  const each = await until('two of its children are done', async () => {
    const { reasons } = await explanationOf(api, steps.each ?? '');
    return reasons[0].message.startsWith('2 of 3') && reasons;
  });
  expect(each).toEqual([
    {
      code: 'waiting_for_children',
      message: '2 of 3 children done, 1 due or running',
      since: expect.any(String),
      tasks: [{ id: expect.any(String), name: 'explained.item', step: null, state: expect.any(String) }],
    },
  ]);
  await inState(pool, steps.gift ?? '', 'succeeded');
  const whole = await explanationOf(api, id);
  expect(whole).toMatchObject({ state: 'running', queue: null, next_attempt_at: null });
  expect(whole.reasons).toMatchObject([
    {
      code: 'waiting_for_children',
      message:
        '2 of 5 steps done, 1 of them skipped; due or running: charge (running) and each (running); waiting: ship (for charge)',
      tasks: [{ id: steps.charge }, { id: steps.ship, state: 'waiting' }, { id: steps.each }],
    },
  ]);
  expect((await explanationOf(api, steps.ship ?? '')).reasons).toEqual([
    {
      code: 'waiting_for_steps',
      message: 'The step waits for charge (running)',
      tasks: [{ id: steps.charge, name: 'explained.order.charge', step: 'charge', state: 'running' }],
    },
  ]);
  expect((await explanationOf(api, steps.gift ?? '')).reasons).toMatchObject([{ code: 'skipped' }]);
  expect(await codesOf(api, steps.on_failure ?? '')).toEqual(['waiting_for_failure']);
  expect(await codesOf(api, steps.charge ?? '')).toEqual(['running']);
  gate.resolve();
  await finished(pool, id);
  expect((await explanationOf(api, id)).summary).toMatch(
    /^explained\.order has succeeded: all its 5 steps are done, 1 of them skipped, in .* s\.$/,
  );
  expect((await explanationOf(api, steps.on_failure ?? '')).summary).toMatch(
    /was not needed, because no step/,
  );
  expect((await explanationOf(api, steps.each ?? '')).summary).toMatch(/all its 3 children are done/);
});

test('failed: what failed, what waits for it, and that a resolution lets it go on', async () => {
  await runner(pool);
  const { id } = await submitWorkflow(pool, order, { act: 'fail' });
  await finished(pool, id);
  const steps = await stepsOf(id);
  const failed = { id: steps.charge, name: 'explained.order.charge', step: 'charge', state: 'failed' };
  const whole = await explanationOf(api, id);
  expect(whole.summary).toBe(
    'explained.order has failed: 1 of 5 steps did not succeed: charge (failed: card stolen).',
  );
  expect(whole.reasons).toMatchObject([{ code: 'step_failed', tasks: [failed] }]);
  expect(whole.next_steps).toEqual([
    expect.stringContaining(`PATCH /v1/tasks/${id}/retry`),
    `PATCH /v1/tasks/${steps.charge}/retry runs charge again; PATCH /v1/tasks/${id}/workflow_steps/${steps.charge} resolves it by hand with a result`,
  ]);
  const waiting = await explanationOf(api, steps.ship ?? '');
  expect(waiting.reasons).toMatchObject([
    {
      code: 'waiting_for_steps',
      message: 'The step waits for charge (failed); it cannot continue until charge is retried or resolved',
      tasks: [failed],
    },
  ]);
  expect(waiting.next_steps).toEqual(whole.next_steps.slice(1));
  expect(await codesOf(api, steps.charge ?? '')).toEqual(['failed_permanently']);
  const step = { workflowId: id, stepId: steps.charge ?? '' };
  const act = { actor: 'user:ann', reason: 'paid in cash', requestId: null };
  await resolveStep(pool, step, { data: null, resolvedBy: 'ann', reason: 'paid in cash' }, act, null);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(await codesOf(api, steps.charge ?? '')).toEqual(['resolved']);
});

test('due later, paused with its steps, and cancelled with them', async () => {
  const { id, run_at } = await submitWorkflow(pool, order, { act: '' }, { delayMs: 3_600_000 });
  await fakeRunner(pool, { names: [order.name] });
  const later = await explanationOf(api, id);
  expect(later.reasons).toMatchObject([
    { code: 'scheduled', until: run_at },
    {
      code: 'waiting_for_children',
      message: expect.stringMatching(/^0 of 5 steps done; due: check \(scheduled\) and each/),
    },
  ]);
  // That time has come, and no runner took its first steps yet.
  await pool.query(`update errand.tasks set run_at = now() - interval '1 minute' where id = $1`, [id]);
  expect(await explanationOf(api, id)).toMatchObject({
    reasons: [{ code: 'waiting_for_children' }],
    queue: null,
  });
  const steps = await stepsOf(id);
  await api.call('PUT', `/v1/queues/${order.name}/pause`);
  expect(await codesOf(api, id)).toEqual(['paused', 'waiting_for_children']);
  expect((await explanationOf(api, steps.check ?? '')).reasons[0]).toMatchObject({
    code: 'paused',
    target: order.name,
  });
  await api.call('DELETE', `/v1/tasks/${id}`);
  const { reasons, next_steps } = await explanationOf(api, steps.ship ?? '');
  expect(reasons).toMatchObject([
    { code: 'cancelled', message: 'The task was cancelled with explained.order' },
  ]);
  expect(next_steps).toEqual([expect.stringContaining(`/v1/tasks/${id}/retry`)]);
  expect((await explanationOf(api, id)).reasons).toMatchObject([{ code: 'cancelled', actor: 'anonymous' }]);
});
