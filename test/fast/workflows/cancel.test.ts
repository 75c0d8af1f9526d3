import { beforeEach, expect, test } from 'vitest';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { childOf } from '../../../runner/execute/follow_up.ts';
import { type DueAttempt, loadDispatches } from '../../../store/attempts/load.ts';
import { type Outcome, recordOutcomes } from '../../../store/attempts/outcomes.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask, retryTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, inState } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { base, diamond, diamondCode } from './shapes.ts';
import { forked, newPlay, played, startForked } from './shapes_forked.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();
// What a test leaves undone is nothing for the runner of the next one.
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

/** A list of workflows, of which each runs another one. */
const nested = defineWorkflow({ ...base, name: 'cancel.nested', steps: { inner: step({ run: forked }) } });
const listed = defineWorkflow({
  ...base,
  name: 'cancel.listed',
  steps: { all: step({ map: nested }), end: step({ after: ['all'] }) },
});

test('what waits and what is due ends at once with its workflow, and what runs is asked to end', async () => {
  const play = newPlay();
  play.holding.add('broken').add('beside');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  await until('both run', () => play.ran.includes('broken') && play.ran.includes('beside'));
  const { id: broken } = await stepOf(pool, id, 'broken');
  await inState(pool, broken, 'running');
  expect(await cancelTask(pool, id)).toMatchObject({ state: 'cancelled' });
  expect(await childrenOf(pool, id)).toMatchObject({ after: 'cancelled 1', on_failure: 'cancelled 1' });
  expect(await finished(pool, broken)).toMatchObject({ state: 'cancelled' });
  expect(await finished(pool, (await stepOf(pool, id, 'beside')).id)).toMatchObject({ state: 'cancelled' });
  expect(await finished(pool, id)).toMatchObject({ state: 'cancelled', result: null });
  expect(play.told).toEqual([]);
});

test('a retry does again what was cancelled and not what was done, in its order', async () => {
  const play = newPlay();
  play.holding.add('broken').add('beside');
  await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  await until('both run', () => play.ran.includes('broken') && play.ran.includes('beside'));
  await cancelTask(pool, id);
  await until('both have ended', async () => {
    const states = Object.values(await childrenOf(pool, id));
    return states.filter((state) => state.startsWith('cancelled')).length === 4;
  });
  expect(await retryTask(pool, id)).toMatchObject({ state: 'running' });
  expect(await childrenOf(pool, id)).toMatchObject({ after: 'waiting 1', on_failure: 'waiting 1' });
  play.holding.clear();
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(play.ran.filter((name) => name === 'side')).toHaveLength(1);
  expect(play.results.after).toEqual({ broken: { step: 'broken', value: 1 } });
});

test.each(['waiting', 'queued'])(
  'a step that is cancelled while it is %s fails its workflow',
  async (state) => {
    const play = newPlay();
    const { id } = await submitWorkflow(pool, forked, { value: 1 });
    const name = state === 'waiting' ? 'after' : 'broken';
    expect(
      await inState(pool, (await stepOf(pool, id, name)).id, state as 'waiting' | 'queued'),
    ).toBeTruthy();
    await cancelTask(pool, (await stepOf(pool, id, name)).id);
    await startForked(pool, play);
    expect(await finished(pool, id)).toMatchObject({
      state: 'failed',
      error: { error_code: 'STEP_FAILED', message: `1 of 4 did not succeed: ${name} was cancelled` },
    });
    expect(play.told).toEqual([[{ step: name, message: 'was cancelled' }]]);
    expect(play.ran).toContain('beside');
    expect(play.ran).not.toContain(name);
  },
);

test('workflows inside of workflows, and lists of them, are cancelled with what they are in', async () => {
  const play = newPlay();
  play.holding.add('broken');
  const code = {
    broken: { handler: played(play, 'broken') },
    after: { handler: played(play, 'after') },
    side: { handler: played(play, 'side') },
    beside: { handler: played(play, 'beside') },
  };
  const registeredHandlers = [
    ...registeredHandlersOf(pool, forked, defineSteps(forked, { steps: code, onFailure: () => null })),
    ...registeredHandlersOf(
      pool,
      nested,
      defineSteps(nested, { steps: { inner: { payload: ({ payload }) => payload } } }),
    ),
    ...registeredHandlersOf(
      pool,
      listed,
      defineSteps(listed, {
        steps: { all: { payloads: () => [{ value: 1 }, { value: 2 }] }, end: { handler: () => null } },
      }),
    ),
  ];
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlers) });
  const { id } = await submitWorkflow(pool, listed, { value: 1 });
  await until('both run', () => play.ran.filter((name) => name === 'broken').length === 2);
  await until('the other road is done in both', async () => {
    const { rows } = await pool.query(
      `select from errand.tasks where name like '%.beside' and state = 'succeeded'`,
    );
    return rows.length === 2;
  });
  expect(await cancelTask(pool, id)).toMatchObject({ state: 'cancelled' });
  const open = `
    with recursive tree as (
      select id, state, step, 0 as depth from errand.tasks where id = $1
      union all
      select c.id, c.state, c.step, depth + 1 from tree join errand.tasks c on c.parent_id = tree.id
    )
    select step, depth, state from tree where state not in ('succeeded', 'cancelled')`;
  await until('all have ended', async () => (await pool.query(open, [id])).rowCount === 0);
  expect(play.ran).not.toContain('after');
  // Once more, and to the end.
  play.holding.clear();
  expect(await retryTask(pool, id)).toMatchObject({ state: 'running' });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(play.ran.filter((name) => name === 'after')).toHaveLength(2);
  expect(play.ran.filter((name) => name === 'side')).toHaveLength(2);
});

test('a workflow that is due later is cancelled whole; without one of its steps it stays due later', async () => {
  const delayed = await submitWorkflow(pool, forked, { value: 1 }, { delayMs: 3_600_000 });
  await cancelTask(pool, (await stepOf(pool, delayed.id, 'broken')).id);
  expect(await inState(pool, delayed.id, 'scheduled')).toMatchObject({ started_at: null });
  expect(await cancelTask(pool, delayed.id)).toMatchObject({ state: 'cancelled' });
  expect(new Set(Object.values(await childrenOf(pool, delayed.id)))).toEqual(new Set(['cancelled 1']));
});

/** The attempt of a task that is due, as a runner would begin it. */
async function begun(id: string): Promise<DueAttempt> {
  const { rows } = await pool.query<{ dispatchId: string }>(
    'select dispatch_id as "dispatchId" from errand.tasks where id = $1',
    [id],
  );
  const [[due] = []] = await loadDispatches(pool, [{ key: String(rows[0]?.dispatchId), taskIds: [id] }]);
  if (due === undefined) throw new Error(`${id} is not due`);
  return due;
}

function outcomeOf(due: DueAttempt): Omit<Extract<Outcome, { kind: 'succeeded' }>, 'kind' | 'result'> {
  const { id, dispatchId, name, priority, attempt, parentId, hasChildren } = due;
  const of = { id, dispatchId, name, priority, attempt, parentId, hasChildren };
  return { ...of, durationMs: 1, lines: [], progress: null };
}

function register(): Promise<number> {
  return registerRunner(pool, {
    host: 'here',
    pid: 1,
    version: 'test',
    taskNames: [],
    concurrency: 1,
    leaseSecs: 60,
  });
}

test('children that are made while their workflow is being cancelled are cancelled, too', async () => {
  const runnerId = await register();
  const { id } = await submitWorkflow(pool, listed, { value: 1 });
  const all = await stepOf(pool, id, 'all');
  const due = await begun(all.id);
  const children = [childOf(nested, { value: 1 }, due), childOf(nested, { value: 2 }, due)];
  const client = await pool.connect();
  await client.query('begin');
  await recordOutcomes(client, runnerId, [{ ...outcomeOf(due), kind: 'continued', children }]);
  const cancelling = cancelTask(pool, id);
  await until('it waits for the lock', async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  });
  await client.query('commit');
  client.release();
  expect(await cancelling).toMatchObject({ state: 'cancelled' });
  expect(await childrenOf(pool, all.id)).toEqual({ 0: 'cancelled 1', 1: 'cancelled 1' });
  const { rows } = await pool.query('select distinct state from errand.tasks where name like $1', [
    'graph.forked%',
  ]);
  expect(rows.some(({ state }) => state === 'queued')).toBe(false);
});

test('a workflow that looks at its steps while the one for failures is cancelled looks again, and fails', async () => {
  const play = newPlay();
  const runnerId = await register();
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  for (const name of ['broken', 'side']) await cancelTask(pool, (await stepOf(pool, id, name)).id);
  const due = await begun(id);
  await cancelTask(pool, (await stepOf(pool, id, 'on_failure')).id);
  const late = { ...outcomeOf(due), kind: 'continued', release: 'on_failure' } as const;
  expect((await recordOutcomes(pool, runnerId, [late])).ids.size).toBe(0);
  await startForked(pool, play);
  expect(await finished(pool, id)).toMatchObject({ state: 'failed', error: { error_code: 'STEP_FAILED' } });
  expect(play.told).toEqual([]);
});

test('results of a graph do not depend on a retry', async () => {
  const { id } = await submitWorkflow(pool, diamond, { value: 5 });
  await cancelTask(pool, id);
  expect(await retryTask(pool, id)).toMatchObject({ state: 'running' });
  await startTestRunner(pool, {
    registeredHandlers: new Map(registeredHandlersOf(pool, diamond, diamondCode)),
  });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', result: { value: 20 } });
});
