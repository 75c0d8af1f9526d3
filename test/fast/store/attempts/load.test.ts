import { randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { StepRow } from '../../../../core/workflows/graph.ts';
import { type DueAttempt, loadDispatches, readPayload } from '../../../../store/attempts/load.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { readResults } from '../../../../store/workflows/steps.ts';
import { createDatabase } from '../../../support/database.ts';
import { pause } from '../../../support/pauses.ts';
import { submit, submitOne } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query(
    'delete from errand.tasks; delete from errand_worker._private_jobs; delete from errand.pauses',
  );
});

/** All that could begin now, of each dispatch there is. */
async function due(): Promise<DueAttempt[]> {
  const { rows } = await pool.query<{ key: string; taskIds: string[] }>(
    'select key, payload as "taskIds" from errand_worker._private_jobs',
  );
  return (await loadDispatches(pool, rows)).flat();
}

/** The one attempt that could begin now. */
async function only(): Promise<DueAttempt> {
  const [attempt, ...others] = await due();
  if (attempt === undefined) throw new Error('nothing is due');
  expect(others).toEqual([]);
  return attempt;
}

/** Text that Postgres can't compress. */
const noise = (bytes: number): string => randomBytes(bytes / 2).toString('hex');
const submitted = (payload: unknown, more: Partial<Submission> = {}) =>
  submitOne(pool, { name: 'b.x', payload, ...more });

test('an attempt comes with all that its task has', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const task = await submitted(
    { value: 1 },
    { priority: 7, maxAttempts: 3, requestId: 'r-1', traceparent, initiator: 'me', sourceSystem: 'shop' },
  );
  await pool.query(`update errand.tasks set attempt = 2, crashes = 1, run_at = now() - interval '2 seconds'`);
  const { rows } = await pool.query<{ dispatchId: string }>(
    'select dispatch_id as "dispatchId" from errand.tasks',
  );
  const attempt = await only();
  expect(attempt).toEqual({
    ...{
      id: task.id,
      dispatchId: rows[0]?.dispatchId,
      name: 'b.x',
      version: '1.0.0',
      attempt: 2,
      maxAttempts: 3,
      priority: 7,
      crashes: 1,
      isSuspect: true,
    },
    ...{
      waitedMs: expect.any(Number),
      payload: { value: 1 },
      requestId: 'r-1',
      traceparent,
      initiator: 'me',
    },
    ...{ sourceSystem: 'shop', parentId: null, hasChildren: false, results: {}, paused: false },
    scheduledFor: null,
    expires: false,
    concurrencyKey: null,
    timeoutMs: null,
    wasCalled: false,
  });
  expect(attempt.waitedMs).toBeGreaterThanOrEqual(2_000);
  expect(attempt.waitedMs).toBeLessThan(600_000);
});

test('an attempt that is due ahead of now, as the clock went back, has waited for no time', async () => {
  await submitted({});
  await pool.query(`update errand.tasks set run_at = now() + interval '1 hour'`);
  expect((await only()).waitedMs).toBe(0);
});

test('the task of a schedule has the time that it stands for, in any time zone of the session', async () => {
  await submitted({});
  await pool.query(
    `update errand.tasks set schedule_id = 'b.nightly', scheduled_for = '2026-03-29 02:30+01'`,
  );
  const { scheduledFor } = await only();
  expect(new Date(String(scheduledFor)).toISOString()).toBe('2026-03-29T01:30:00.000Z');
});

test('what a task does not have is null', async () => {
  await submitted({});
  expect(await only()).toMatchObject({
    requestId: null,
    traceparent: null,
    initiator: null,
    sourceSystem: null,
  });
});

test('payloads come as they were stored, whatever is in them', async () => {
  const payloads = [
    { '"\\{},': ['"', '\\', '\\"', "'", '\n\t\u2028', 'Zürich', '日本語', '😀', '\\u0041', '$1', ''] },
    { numbers: [0, -1.5, 1e-7, 1e21, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53, 0.1] },
    [[], {}, null, true, false],
    ['a text', 0, false, ''],
  ];
  for (const payload of payloads) {
    await submitted(payload);
    expect((await only()).payload).toEqual(payload);
    await pool.query('delete from errand.tasks');
  }
});

test('a payload that is JSON null is null, and so it is read', async () => {
  const { id } = await submitted({});
  await pool.query(`update errand.tasks set payload = 'null'`);
  expect((await only()).payload).toBeNull();
  expect(await readPayload(pool, id)).toBeNull();
});

test('a large payload does not come with its dispatch, and is read when its attempt starts', async () => {
  const large = { text: noise(100_000) };
  const fitting = { text: noise(60_000) };
  const [first, second] = await submit(
    pool,
    { name: 'b.x', payload: large },
    { name: 'b.x', payload: fitting },
  );
  expect(Object.fromEntries((await due()).map(({ id, payload }) => [id, payload]))).toEqual({
    [String(first?.id)]: null,
    [String(second?.id)]: fitting,
  });
  expect(await readPayload(pool, String(first?.id))).toEqual(large);
});

test('what Postgres stores in few bytes is as large as it is', async () => {
  const texts = { small: 'x'.repeat(60_000), large: 'x'.repeat(80_000) };
  for (const [initiator, text] of Object.entries(texts)) await submitted({ text }, { initiator });
  const { rows } = await pool.query<{ stored: number }>(
    'select pg_column_size(payload) as stored from errand.tasks order by id',
  );
  for (const { stored } of rows) expect(stored).toBeLessThan(2_000);
  const huge = { text: 'x'.repeat(1_000_000) };
  await submitted(huge, { initiator: 'huge' });
  const payloads = Object.fromEntries((await due()).map(({ initiator, payload }) => [initiator, payload]));
  expect(payloads).toEqual({ small: { text: texts.small }, large: { text: texts.large }, huge: null });
});

test('each dispatch gets its own attempts, in their order, and one that nobody names gets none', async () => {
  const tasks = await submit(
    pool,
    ...Array.from({ length: 6 }, (_, index) => ({ name: 'b.x', payload: { index } })),
  );
  const ids = tasks.map(({ id }) => id);
  const [one, two, stale] = [randomUUID(), randomUUID(), randomUUID()];
  await pool.query(
    'update errand.tasks set dispatch_id = case when id = any ($1) then $2::uuid else $3 end',
    [ids.slice(0, 2), one, two],
  );
  await pool.query(`update errand.tasks set state = 'running' where id = $1`, [ids[3]]);
  const begun = await loadDispatches(pool, [
    { key: two, taskIds: ids.toReversed() },
    { key: stale, taskIds: ids },
    { key: one, taskIds: ids },
  ]);
  expect(begun.map((attempts) => attempts.map(({ id }) => ids.indexOf(id)))).toEqual([[2, 4, 5], [], [0, 1]]);
  expect(begun.flat().map(({ dispatchId }) => dispatchId)).toEqual([two, two, two, one, one]);
  expect(await loadDispatches(pool, [])).toEqual([]);
});

test('what is paused is told of each', async () => {
  await submit(
    pool,
    { name: 'b.x', payload: {} },
    { name: 'b.x.y', payload: {} },
    { name: 'c.x', payload: {} },
  );
  await pause(pool, 'b.x');
  expect((await due()).map(({ name, paused }) => [name, paused]).sort()).toEqual([
    ['b.x', true],
    ['b.x.y', true],
    ['c.x', false],
  ]);
});

/** A workflow of which all steps but the last have ended as given, and the last one is due. */
async function afterSteps(
  before: Record<string, { state?: string; skipped?: boolean; result: unknown }>,
): Promise<DueAttempt> {
  const names = Object.keys(before);
  const row = (step: string, after: string[]): StepRow => ({
    ...{ step, name: `b.w.${step}`, after, priority: null, max_attempts: 1 },
    ...{ conditional: false, kind: 'handler', child: null },
  });
  // One that it does not come after: it is not to be seen.
  const steps = [...names.map((name) => row(name, [])), row('apart', []), row('last', names)];
  await submitOne(pool, { name: 'b.w', payload: {}, steps });
  for (const [step, { state = 'succeeded', skipped = false, result }] of Object.entries(before)) {
    await pool.query(
      'update errand.tasks set state = $2, skipped = $3, result = $4, dispatch_id = null, finished_at = now() where step = $1',
      [step, state, skipped, result === undefined ? null : JSON.stringify(result)],
    );
  }
  await pool.query(
    `update errand.tasks set state = 'succeeded', result = '1', dispatch_id = null where step = 'apart'`,
  );
  const { rows } = await pool.query<{ id: string; dispatchId: string }>(
    `update errand.tasks set state = 'queued', pending = 0, dispatch_id = gen_random_uuid() where step = 'last' returning id, dispatch_id as "dispatchId"`,
  );
  const [[attempt] = []] = await loadDispatches(
    pool,
    rows.map(({ id, dispatchId }) => ({ key: dispatchId, taskIds: [id] })),
  );
  if (attempt === undefined) throw new Error('the step is not due');
  expect(attempt.parentId).not.toBeNull();
  return attempt;
}

test('a step comes with the results of those before it: of one that was resolved what was given, of a skipped one none', async () => {
  const attempt = await afterSteps({
    one: { result: { text: '"\\{a,b} Zürich' } },
    nothing: { result: undefined },
    null: { result: null },
    resolved: { state: 'resolved', result: { result: [1], by: 'me', reason: 'so' } },
    skipped: { skipped: true, result: null },
  });
  const results = { one: { text: '"\\{a,b} Zürich' }, nothing: null, null: null, resolved: [1] };
  expect(attempt.results).toEqual(results);
  expect(await readResults(pool, attempt.id)).toEqual(results);
});

test('a step whose results are large together has them read when it starts', async () => {
  const before = { one: { result: noise(40_000) }, two: { result: noise(40_000) } };
  const attempt = await afterSteps(before);
  expect(attempt.results).toBeNull();
  expect(attempt.payload).toEqual({});
  expect(await readResults(pool, attempt.id)).toEqual({ one: before.one.result, two: before.two.result });
});

test('so does one whose results only take few bytes where they are stored', async () => {
  const before = { one: { result: 'x'.repeat(500_000) } };
  const attempt = await afterSteps(before);
  expect(attempt.results).toBeNull();
  expect(await readResults(pool, attempt.id)).toEqual({ one: before.one.result });
});

test('a step after nothing has no results, and a task with children says so', async () => {
  expect((await afterSteps({})).results).toEqual({});
  await pool.query(
    `update errand.tasks set state = 'queued', pending = 0, dispatch_id = gen_random_uuid() where children > 0`,
  );
  const { rows } = await pool.query<{ id: string; dispatchId: string }>(
    'select id, dispatch_id as "dispatchId" from errand.tasks where children > 0',
  );
  const [[workflow] = []] = await loadDispatches(
    pool,
    rows.map(({ id, dispatchId }) => ({ key: dispatchId, taskIds: [id] })),
  );
  expect(workflow).toMatchObject({ name: 'b.w', hasChildren: true, parentId: null, results: {} });
});
