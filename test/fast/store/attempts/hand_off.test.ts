import { expect, test } from 'vitest';
import { defineWorkflow, step } from '../../../../core/workflow.ts';
import { judgeQueue } from '../../../../doctor/queue.ts';
import { type Offer, readHeld } from '../../../../store/attempts/hand_off.ts';
import { handOver } from '../../../../store/attempts/hand_over.ts';
import { type DueAttempt, loadDispatches } from '../../../../store/attempts/load.ts';
import { type Recorded, recordOutcomes } from '../../../../store/attempts/outcomes.ts';
import { dispatchLost } from '../../../../store/attempts/reconcile.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { isPlainSuccess, recordSuccesses } from '../../../../store/attempts/successes.ts';
import { readOpenTasks } from '../../../../store/doctor/pool_facts.ts';
import { readQueueFacts } from '../../../../store/doctor/queue_facts.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { explanationOf } from '../../api/explaining.ts';
import { outcomeOf } from '../../workflows/model/model_outcomes.ts';
import { base, diamond, linear } from '../../workflows/shapes.ts';
import { stepOf, submitWorkflow } from '../../workflows/workflows.ts';

// The hand-off of issue 21 in the ledger: what a statement that records gives its runner to hold, and what becomes of
// it without that runner.

const single = defineWorkflow({ ...base, name: 'graph.single', steps: { only: step({}) } });
const pair = defineWorkflow({ ...base, name: 'graph.pair', steps: { only: step({}), other: step({}) } });

const { pool } = await createDatabase();
const api = await startApi(pool);
await registerDefinitions(pool, [linear, diamond, single, pair]);

function register(): Promise<number> {
  const description = { host: 'here', pid: 1, version: 'test', taskNames: [...NAMES], concurrency: 1 };
  return registerRunner(pool, { ...description, leaseSecs: 10 });
}
const NAMES = ['graph.linear.two', 'graph.diamond.plus', 'graph.diamond.minus', 'graph.single', 'graph.pair'];
const runnerId = await register();

/** The attempt of a step that is dispatched. */
async function dueOf(workflowId: string, name: string): Promise<DueAttempt> {
  const { id } = await stepOf(pool, workflowId, name);
  const [[due] = []] = await loadDispatches(pool, [{ key: await dispatchOf(id), taskIds: [id] }]);
  if (due === undefined) throw new Error(`${name} is not due`);
  return due;
}

async function dispatchOf(id: string): Promise<string> {
  const { rows } = await pool.query('select dispatch_id from errand.tasks where id = $1', [id]);
  return String(rows[0]?.dispatch_id);
}

async function hasJob(dispatchId: string): Promise<boolean> {
  const { rows } = await pool.query('select from errand_worker.jobs where key = $1', [dispatchId]);
  return rows.length === 1;
}

const WAYS = ['lean', 'whole'] as const;

/** Records a success by the lean statement or by the complete one. */
function record(
  due: DueAttempt,
  offer: Offer,
  { way = 'lean', endsParent, by = runnerId }: { way?: string; endsParent?: string; by?: number } = {},
): Promise<Recorded> {
  const success = outcomeOf(due, { kind: 'succeeded', skipped: false });
  const ends = { endsParent: { name: 'graph.single', result: endsParent ?? '' } };
  const outcome = endsParent === undefined ? success : { ...success, ...ends };
  if (way === 'whole') return recordOutcomes(pool, by, [outcome], offer);
  if (!isPlainSuccess(outcome)) throw new Error('this is not plain');
  return recordSuccesses(pool, by, [outcome], offer);
}

/** A workflow whose second step is held by a runner. */
async function heldStep(by: number): Promise<{ id: string; workflowId: string; dispatchId: string }> {
  const { id: workflowId } = await submitWorkflow(pool, linear, { value: 1 });
  await record(await dueOf(workflowId, 'one'), { names: NAMES, room: 1 }, { by });
  const { id } = await stepOf(pool, workflowId, 'two');
  return { id, workflowId, dispatchId: await dispatchOf(id) };
}

test.each(WAYS)(
  'the %s statement hands off as many as there is room for, and dispatches the others',
  async (way) => {
    for (const [room, names, held] of [
      [2, NAMES, ['plus', 'minus']],
      [1, NAMES, ['plus']],
      [2, ['graph.diamond.minus'], ['minus']],
      [0, NAMES, []],
      [2, [], []],
    ] as const) {
      const { id } = await submitWorkflow(pool, diamond, { value: 1 });
      const recorded = await record(await dueOf(id, 'double'), { names, room }, { way });
      const handedOff = new Set(recorded.held?.map((due) => due.id));
      for (const name of ['plus', 'minus']) {
        const { id: stepId, state } = await stepOf(pool, id, name);
        const isHeld = held.some((one) => one === name);
        expect([name, state, handedOff.has(stepId)]).toEqual([name, 'queued', isHeld]);
        expect(await hasJob(await dispatchOf(stepId))).toBe(!isHeld);
      }
      // The attempts are as a load would give them, with the results of the steps before.
      for (const due of recorded.held ?? []) {
        const [[loaded] = []] = await loadDispatches(pool, [{ key: due.dispatchId, taskIds: [due.id] }]);
        expect({ ...due, waitedMs: 0 }).toEqual({ ...loaded, waitedMs: 0 });
        expect(due.results).toEqual({ double: { ok: true } });
      }
    }
  },
);

test('a runner that is no longer live gets nothing', async () => {
  const gone = await register();
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  const due = await dueOf(id, 'one');
  await endRunner(pool, gone);
  const recorded = await record(due, { names: NAMES, room: 1 }, { by: gone });
  expect(recorded).toMatchObject({ fenced: true, held: [], ended: new Set() });
  expect(await readHeld(pool, gone)).toEqual([]);
});

test.each(WAYS)('by the %s statement a workflow ends with its last step', async (way) => {
  for (const result of ['{"value":7}', 'null']) {
    const { id } = await submitWorkflow(pool, single, { value: 1 });
    const offer = { names: NAMES, room: 1 };
    const recorded = await record(await dueOf(id, 'only'), offer, { way, endsParent: result });
    expect(recorded).toMatchObject({ held: [], ended: new Set([id]) });
    const task = await getTask(pool, id);
    expect(task).toMatchObject({ state: 'succeeded', attempt: 1, result: JSON.parse(result), error: null });
    expect(task).toMatchObject({ started_at: expect.any(String), finished_at: expect.any(String) });
    const { rows } = await pool.query(
      'select runner_id, pending, dispatch_id from errand.tasks where id = $1',
      [id],
    );
    expect(rows).toEqual([{ runner_id: runnerId, pending: 0, dispatch_id: null }]);
  }
});

const SIBLING = `update errand.tasks set finished_at = now(), pending = 0, dispatch_id = null`;
test.each([
  ['whose end was asked for', pair, 'update errand.tasks set cancel_requested_at = now() where id = $1'],
  [
    'with a failed step',
    pair,
    `${SIBLING}, state = 'failed', error = '{}' where parent_id = $1 and step = 'other'`,
  ],
  ['with a cancelled step', pair, `${SIBLING}, state = 'cancelled' where parent_id = $1 and step = 'other'`],
  [
    'that is a child',
    single,
    'update errand.tasks set parent_id = (select id from errand.tasks limit 1) where id = $1',
  ],
])('a workflow %s makes an attempt of its own', async (_which, workflow, change) => {
  const { id } = await submitWorkflow(pool, workflow, { value: 1 });
  const due = await dueOf(id, 'only');
  await pool.query(change, [id]);
  const alone = `update errand.tasks set pending = 1 where id = $1`;
  await pool.query(alone, [id]);
  const recorded = await record(due, { names: NAMES, room: 1 }, { endsParent: '{}' });
  expect(recorded.ended).toEqual(new Set());
  expect(recorded.held?.map((held) => held.id)).toEqual([id]);
  expect(await getTask(pool, id)).toMatchObject({ finished_at: null, result: null });
});

test('a paused workflow, and one of which a step is not done, do not end', async () => {
  const { id } = await submitWorkflow(pool, single, { value: 1 });
  const due = await dueOf(id, 'only');
  await pause(pool, 'graph.single');
  expect(await record(due, { names: [], room: 1 }, { endsParent: '{}' })).toMatchObject({ ended: new Set() });
  expect(await getTask(pool, id)).toMatchObject({ state: 'queued' });
  await resume(pool, 'graph.single');

  const two = await submitWorkflow(pool, pair, { value: 1 });
  const only = await dueOf(two.id, 'only');
  expect(await record(only, { names: NAMES, room: 1 }, { endsParent: '{}' })).toMatchObject({
    held: [],
    ended: new Set(),
  });
  expect(await getTask(pool, two.id)).toMatchObject({ state: 'running' });
});

test('what a lost runner held is dispatched at once: no crash is counted, and its next start is written before it runs', async () => {
  const [lost, other] = [await register(), await register()];
  const { id, dispatchId } = await heldStep(lost);
  expect(await readHeld(pool, lost)).toEqual([{ id, dispatchId }]);
  await pool.query(
    `update errand.runners
        set heartbeat_at = case when id = $1 then now() - interval '11 seconds' else now() end,
            steady_since = now() - interval '1 hour'`,
    [lost],
  );
  expect(await recoverLostRunners(pool, other)).toMatchObject({ requeued: [], quarantined: [] });
  expect(await readHeld(pool, lost)).toEqual([]);
  const dispatched = await dispatchOf(id);
  expect(dispatched).not.toBe(dispatchId);
  expect(await hasJob(dispatched)).toBe(true);
  const [[due] = []] = await loadDispatches(pool, [{ key: dispatched, taskIds: [id] }]);
  // It may have started and killed its runner.
  expect(due).toMatchObject({ id, attempt: 1, crashes: 0, isSuspect: true });
});

const INTERRUPTED = {
  ...{ error_type: 'Interrupted', message: 'another one blocked it', error_code: 'INTERRUPTED' },
  ...{ retryable: true, metadata: null, stack: null },
};
test.each([
  ['stops', (runner: number) => endRunner(pool, runner)],
  [
    'gives everything up, because its event loop is blocked',
    (runner: number) => handOver(pool, runner, [], INTERRUPTED),
  ],
])('what a runner still holds when it %s is dispatched, and is no suspect', async (_why, end) => {
  const stopped = await register();
  const { id } = await heldStep(stopped);
  await end(stopped);
  expect(await readHeld(pool, stopped)).toEqual([]);
  const dispatched = await dispatchOf(id);
  expect(await hasJob(dispatched)).toBe(true);
  const [[due] = []] = await loadDispatches(pool, [{ key: dispatched, taskIds: [id] }]);
  expect(due).toMatchObject({ id, attempt: 1, crashes: 0, isSuspect: false });
});

test('reconciling, doctor and explain know who holds a task, as long as that runner is live', async () => {
  const holder = await register();
  const { id, dispatchId } = await heldStep(holder);
  await pool.query(`update errand.tasks set run_at = now() - interval '5 minutes' where id = $1`, [id]);
  const lostOnes = async (): Promise<unknown[]> => {
    const facts = await readQueueFacts(pool, 120, { finished: 24, failed: 336 });
    return judgeQueue(facts, await readOpenTasks(pool), 1).filter(({ code }) => code === 'dispatch_lost');
  };
  expect(await dispatchLost(pool)).toMatchObject({ dispatched: 0 });
  expect(await lostOnes()).toEqual([]);
  const { reasons } = await explanationOf(api, id);
  expect(reasons).toMatchObject([{ code: 'claimed', runner: { id: holder, host: 'here', pid: 1 } }]);

  // Not as runners end: then nothing is left for this.
  await pool.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [holder]);
  expect(await lostOnes()).toHaveLength(1);
  const [{ code }] = (await explanationOf(api, id)).reasons;
  expect(code).toBe('dispatch_lost');
  expect(await dispatchLost(pool)).toMatchObject({ dispatched: 1 });
  expect(await dispatchOf(id)).not.toBe(dispatchId);
  expect(await hasJob(await dispatchOf(id))).toBe(true);
});
