import { expect, test } from 'vitest';
import { defineSteps } from '../../../../core/workflow.ts';
import { dispatchLost } from '../../../../store/attempts/reconcile.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';
import { recordHistory } from '../../../support/history.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, outcomes } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { diamond, diamondCode, linear, linearCode } from '../../workflows/shapes.ts';
import { registeredHandlersOf, stepOf, submitWorkflow } from '../../workflows/workflows.ts';
import { knows } from '../pausable.ts';
import { heldTasks, lockTask, losingAnswers, noteDispatches, recordWaits } from './handing.ts';

// Issue 21: what was handed off is neither lost nor done twice, whatever happens between the commit and its start.

/** The four steps, noting what runs; the second one waits for a gate, and the first one for `before`. */
function notedLinear(before: Promise<unknown> = Promise.resolve()) {
  const ran: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const code = defineSteps(linear, {
    steps: {
      ...linearCode.steps,
      one: {
        async handler({ value }) {
          ran.push('one');
          await before;
          return { value: value + 1 };
        },
      },
      two: {
        async handler(_payload, { results }) {
          ran.push('two');
          await gate;
          return { value: results.one.value + 1 };
        },
      },
    },
  });
  return { code, ran, open };
}

test.each([
  ['every answer of a record is lost once', (count: number) => count % 2 === 0],
  ['only the answer about the first step is lost', (count: number) => count === 0],
])('%s: what it handed off is dispatched, and runs once', async (_which, isLost) => {
  const { pool } = await createDatabase();
  const announced = await noteDispatches(pool, 'graph.linear');
  const losing = losingAnswers(pool, isLost);
  const { code, ran, open } = notedLinear();
  open();
  await startTestRunner(losing.pool, {
    registeredHandlers: new Map(registeredHandlersOf(pool, linear, code)),
  });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 5 } });
  expect(losing.lost()).toBeGreaterThan(0);
  expect(ran).toEqual(['one', 'two']);
  expect(await announced()).toContain('two');
  const { rows } = await pool.query('select id from errand.tasks');
  const history = recordHistory();
  for (const task of rows) history.ok(task.id);
  await history.check(pool);
});

test('a fork whose record has no answer is dispatched, and joined once', async () => {
  const { pool } = await createDatabase();
  const losing = losingAnswers(pool, (count) => count % 3 === 0);
  const registeredHandlers = new Map(registeredHandlersOf(pool, diamond, diamondCode));
  await startTestRunner(losing.pool, { registeredHandlers });
  const all = await Promise.all([1, 2, 3, 4, 5].map((value) => submitWorkflow(pool, diamond, { value })));
  for (const [index, { id }] of all.entries())
    expect(await finished(pool, id)).toMatchObject({ attempt: 1, result: { value: 4 * (index + 1) } });
  const { rows } = await pool.query(`select name, attempt from errand.tasks where attempt <> 1`);
  expect(rows).toEqual([]);
});

test('a runner that stops while a record is under way keeps nothing: another one goes on at once', async () => {
  const { pool } = await createDatabase();
  const { promise: locked, resolve: onLocked } = Promise.withResolvers<void>();
  const { code, ran, open } = notedLinear(locked);
  open();
  const registeredHandlers = new Map(registeredHandlersOf(pool, linear, code));
  const runner = await startTestRunner(pool, { registeredHandlers });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  await until('the first step runs', () => ran.includes('one'));
  const free = await lockTask(pool, id);
  onLocked();
  await recordWaits(pool);
  const stopped = runner.stop();
  await free();
  await stopped;
  const { id: two } = await stepOf(pool, id, 'two');
  const { rows } = await pool.query(
    `select t.state, t.attempt, t.suspect, job.key is not null and job.locked_at is null as is_announced
       from errand.tasks t
       left join errand_worker.jobs job on job.key = t.dispatch_id::text
      where t.id = $1`,
    [two],
  );
  expect(await heldTasks(pool)).toEqual([]);
  expect(ran).toEqual(['one']);
  expect(rows).toEqual([{ state: 'queued', attempt: 1, suspect: false, is_announced: true }]);
  await startTestRunner(pool, { registeredHandlers });
  expect(await finished(pool, id)).toMatchObject({ result: { value: 5 } });
  expect(ran).toEqual(['one', 'two']);
});

test('a runner that stops after an answer was lost keeps nothing', async () => {
  const { pool } = await createDatabase();
  const losing = losingAnswers(pool, (count) => count === 0);
  const { code, ran, open } = notedLinear();
  open();
  const registeredHandlers = new Map(registeredHandlersOf(pool, linear, code));
  const runner = await startTestRunner(losing.pool, { registeredHandlers });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  await until('the answer is lost', () => losing.lost() === 1);
  await runner.stop();
  expect(await heldTasks(pool)).toEqual([]);
  await startTestRunner(pool, { registeredHandlers });
  expect(await finished(pool, id)).toMatchObject({ attempt: 1, result: { value: 5 } });
  expect(ran).toEqual(['one', 'two']);
});

test('a frozen runner that is presumed dead loses what it holds: its own outcome does not count', async () => {
  const { pool } = await createDatabase();
  const frozen = notedLinear();
  const runner = await startTestRunner(pool, {
    leaseSecs: 600,
    registeredHandlers: new Map(registeredHandlersOf(pool, linear, frozen.code)),
  });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  await until('the second step has started', () => frozen.ran.includes('two'));
  // A frozen process fetches nothing. This one lives, so it must leave the new dispatch alone.
  await until('the runner listens', async () => {
    const { rows } = await pool.query('select from errand.runners where heartbeat_at > started_at');
    return rows.length === 1;
  });
  await pause(pool, 'graph.linear.two');
  await knows(runner, 'graph', ['graph.linear.two']);
  const watcher = await registerRunner(pool, {
    ...{ host: 'here', pid: 1, version: 'test', taskNames: [], concurrency: 1, leaseSecs: 600 },
  });
  await pool.query(
    `update errand.runners
        set steady_since = now() - interval '1 hour',
            heartbeat_at = case when id = $1 then now() - interval '20 minutes' else now() end`,
    [runner.id],
  );
  const recovery = await until('it is presumed dead', () => recoverLostRunners(pool, watcher));
  expect(recovery.lost.map((lost) => lost.id)).toEqual([runner.id]);
  expect(await heldTasks(pool)).toEqual([]);
  const { id: two } = await stepOf(pool, id, 'two');
  const { rows } = await pool.query('select attempt, crashes, suspect from errand.tasks where id = $1', [
    two,
  ]);
  // It was held, or shown as running by then.
  const wasHeld = recovery.requeued.length === 0;
  expect(rows).toEqual([
    wasHeld ? { attempt: 1, crashes: 0, suspect: true } : { attempt: 2, crashes: 1, suspect: false },
  ]);
  // It wakes up, and the end of its attempt does not count.
  frozen.open();
  await runner.leave();
  expect(await stepOf(pool, id, 'two')).toMatchObject({ state: 'queued' });
  const other = notedLinear();
  other.open();
  await startTestRunner(pool, {
    registeredHandlers: new Map(registeredHandlersOf(pool, linear, other.code)),
  });
  await resume(pool, 'graph.linear.two');
  expect(await finished(pool, id)).toMatchObject({ attempt: 1, result: { value: 5 } });
  expect(other.ran).toEqual(['two']);
  expect((await outcomes(pool, two)).at(-1)).toEqual([wasHeld ? 1 : 2, 'succeeded']);
  const { rows: ends } = await pool.query('select runner_id from errand.tasks where id = $1', [two]);
  expect(ends[0]?.runner_id).not.toBe(runner.id);
});

test('reconciling leaves what a live runner has in hand', async () => {
  const { pool } = await createDatabase();
  const { code, ran, open } = notedLinear();
  await startTestRunner(pool, { registeredHandlers: new Map(registeredHandlersOf(pool, linear, code)) });
  const { id } = await submitWorkflow(pool, linear, { value: 1 });
  await until('the second step has started', () => ran.includes('two'));
  await pool.query(`update errand.tasks set run_at = now() - interval '1 minute' where state = 'queued'`);
  expect(await dispatchLost(pool)).toMatchObject({ dispatched: 0 });
  open();
  expect(await finished(pool, id)).toMatchObject({ result: { value: 5 } });
  expect(ran).toEqual(['one', 'two']);
});
