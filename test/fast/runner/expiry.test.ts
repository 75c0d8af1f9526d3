import { pino } from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type Handler, type TaskDefinition } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { createEvents } from '../../../runner/record/events.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { retryTask } from '../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from '../workflows/workflows.ts';

const { pool } = await createDatabase();

const payload = z.strictObject({ n: z.number().optional() });
const base = { version: '1.0.0', description: 'Must start in time', payload, example: {} };

function task(name: `${string}.${string}`, policy: TaskDefinition['policy'] | object = {}): TaskDefinition {
  return defineTask({ ...base, name, policy: policy as object }) as TaskDefinition;
}

test('Q4: a task whose name has no runner expires in time, and its end is reported once', async () => {
  const expired: string[] = [];
  const events = createEvents(pino({ level: 'silent' }));
  events.on('expired', (names) => expired.push(...names));
  const other = task('other.x');
  await registerDefinitions(pool, [task('nobody.x')]);
  await startTestRunner(pool, {
    events,
    registeredHandlers: new Map([registeredHandler(other, () => null)]),
  });
  const callbackUrl = 'https://hooks.example.com/errand';
  const { id } = await submitOne(pool, { name: 'nobody.x', payload: {}, expiresInMs: 1, callbackUrl });
  expect(await finished(pool, id)).toMatchObject({ state: 'expired', error: { error_code: 'EXPIRED' } });
  expect(await outcomes(pool, id)).toEqual([]);
  const { rows } = await pool.query<{ payload: { body: { type: string; data: object } } }>(
    'select payload from errand.tasks where callback_of = $1',
    [id],
  );
  expect(rows.map((row) => row.payload.body)).toMatchObject([
    { type: 'task.expired', data: { id, state: 'expired', error: { error_code: 'EXPIRED' } } },
  ]);
  await until('the event is emitted', () => expired.length > 0);
  expect(expired).toEqual(['nobody.x']);
});

test('a task that waits too long for a slot of its runner is not run, and those beside it are', async () => {
  const definition = task('busy.x');
  await registerDefinitions(pool, [definition]);
  const ran: number[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const handler: Handler = async (given) => {
    const { n = 0 } = given as { n?: number };
    ran.push(n);
    if (n === 0) await gate;
  };
  await startTestRunner(pool, {
    concurrency: 1,
    registeredHandlers: new Map([registeredHandler(definition, handler)]),
  });
  const [first] = await submit(pool, { name: 'busy.x', payload: { n: 0 }, expiresInMs: 600_000 });
  await inState(pool, first?.id ?? '', 'running');
  const [late, patient] = await submit(
    pool,
    { name: 'busy.x', payload: { n: 1 }, expiresInMs: 1_000 },
    { name: 'busy.x', payload: { n: 2 } },
  );
  expect(await finished(pool, late?.id ?? '')).toMatchObject({ state: 'expired', started_at: null });
  open();
  expect(await finished(pool, patient?.id ?? '')).toMatchObject({ state: 'succeeded' });
  expect(await finished(pool, first?.id ?? '')).toMatchObject({ state: 'succeeded', expires_at: null });
  expect(ran).toEqual([0, 2]);
});

test('the start of a short attempt is written before it runs, so it cannot expire while it runs', async () => {
  const definition = task('short.x');
  await registerDefinitions(pool, [definition]);
  const seen: unknown[] = [];
  const handler: Handler = async (_payload, { id }) => {
    const { rows } = await pool.query('select state, expires_at from errand.tasks where id = $1', [id]);
    seen.push(...rows);
  };
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(definition, handler)]) });
  const { id } = await submitOne(pool, { name: 'short.x', payload: {}, expiresInMs: 600_000 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(seen).toEqual([{ state: 'running', expires_at: null }]);
});

test('a task that waits too long for a slot of a limit leaves the waits', async () => {
  const definition = task('limited.x', { concurrency: 1 });
  await registerDefinitions(pool, [definition]);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const handler: Handler = (given) => ((given as { n?: number }).n === 0 ? gate : null);
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(definition, handler)]) });
  const first = await submitOne(pool, { name: 'limited.x', payload: { n: 0 } });
  await inState(pool, first.id, 'running');
  const late = await submitOne(pool, { name: 'limited.x', payload: { n: 1 }, expiresInMs: 1_000 });
  const patient = await submitOne(pool, { name: 'limited.x', payload: { n: 2 }, priority: 1 });
  expect(await finished(pool, late.id)).toMatchObject({ state: 'expired' });
  const { rows } = await pool.query('select task_id from errand.limit_waits where task_id = $1', [late.id]);
  expect(rows).toEqual([]);
  open();
  expect(await finished(pool, patient.id)).toMatchObject({ state: 'succeeded' });
});

test('the policy says it for all tasks of a definition, also for children; their parent fails, and a retry runs them', async () => {
  const child = task('family.child', { expiresInSeconds: 1 });
  const parent = defineWorkflow({ ...base, name: 'family.parent', steps: { all: step({ map: child }) } });
  await registerDefinitions(pool, [child, parent]);
  const code = defineSteps(parent, { steps: { all: { payloads: () => [{ n: 1 }, { n: 2 }] } } });
  const handlers = new Map(registeredHandlersOf(pool, parent, code));
  await startTestRunner(pool, { registeredHandlers: handlers });
  const { id } = await submitWorkflow(pool, parent, {});
  const ended = await finished(pool, id);
  expect(ended).toMatchObject({ state: 'failed', error: { error_code: 'STEP_FAILED' } });
  const all = await stepOf(pool, id, 'all');
  expect(all.error?.message).toMatch(
    /^2 of 2 did not succeed: family.child has expired; family.child has expired$/,
  );
  expect(await childrenOf(pool, all.id)).toEqual({ 0: 'expired 1', 1: 'expired 1' });
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(child, () => null)]) });
  await retryTask(pool, id);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(await childrenOf(pool, all.id)).toEqual({ 0: 'succeeded 1', 1: 'succeeded 1' });
});

test('a workflow and its steps cannot expire', () => {
  const policy = { expiresInSeconds: 60 };
  expect(() => defineWorkflow({ ...base, name: 'no.flow', policy, steps: { a: step({}) } })).toThrow(
    'a workflow cannot have policy.expiresInSeconds, because it starts as soon as it is due',
  );
  expect(() => defineWorkflow({ ...base, name: 'no.step', steps: { a: step({ policy }) } })).toThrow(
    'the step a cannot have policy.expiresInSeconds: a step that did not run would end its workflow',
  );
  for (const expiresInSeconds of [0, -1, 1.5, 366 * 86_400 + 1])
    expect(() => task('no.bounds', { expiresInSeconds })).toThrow(/policy\.expiresInSeconds: /);
});
