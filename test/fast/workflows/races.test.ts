import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTerminal } from '../../../core/states.ts';
import type { DueAttempt } from '../../../store/attempts/load.ts';
import { recordOutcomes } from '../../../store/attempts/outcomes.ts';
import { resolveStep } from '../../../store/operators/resolve.ts';
import { readChildren } from '../../../store/workflows/steps.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask, retryTask } from '../../support/operator.ts';
import { submit } from '../../support/tasks.ts';
import type { Ending } from './model/model.ts';
import { startFleet } from './model/model_driver.ts';
import { readLedger } from './model/model_ledger.ts';
import { outcomeOf, submission } from './model/model_outcomes.ts';
import { type Action, type End, ends, shapes } from './model/model_schedule.ts';

const { pool } = await createDatabase();
const { runners } = await startFleet(pool);

const RUNS = Number(process.env.MODEL_RUNS ?? 40);
const MAX_ROUNDS = 60;

const operators = fc.array(
  fc.record({
    do: fc.constantFrom('retry' as const, 'cancel' as const, 'resolve' as const),
    pick: fc.nat(99),
  }),
  { maxLength: 3 },
);
type Operator = Extract<Action, { pick: number; do: 'retry' | 'cancel' | 'resolve' }>;
/** What is done at the same time, and then again. */
const rounds = fc.array(fc.record({ ends, operators }), { minLength: 1, maxLength: 8 });

test('operators and runners at the same time leave nothing that waits for what will not come', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, rounds, async (shape, list) => {
      await pool.query('truncate errand_worker._private_jobs, errand.tasks cascade');
      const [root] = await submit(pool, submission('model.w', shape.steps));
      const id = root?.id ?? '';
      for (const round of list) {
        await Promise.all([record(id, round.ends), ...(await operate(id, round.operators))]);
        expect(await contradictions()).toEqual([]);
      }
      for (let round = 0; round < MAX_ROUNDS && (await record(id, allWell)) > 0; round++);
      expect(await contradictions()).toEqual([]);
      const { tasks } = await readLedger(pool, id);
      expect(isTerminal(tasks.get('w')?.state ?? 'waiting')).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

const allWell: End[] = Array.from({ length: 8 }, (_none, statement) => {
  return { pick: 0, kind: 'succeeded', statement: statement % 4, twice: false, children: 1 };
});

/** Ends some of the attempts that are due, from several connections; gives how many were due. */
async function record(rootId: string, list: End[]): Promise<number> {
  const { due } = await readLedger(pool, rootId);
  const left = [...due];
  const work = list.flatMap((end) => {
    const [attempt] = left.splice(end.pick % Math.max(left.length, 1), 1);
    return attempt === undefined ? [] : [{ attempt, end }];
  });
  const statements = [0, 1, 2, 3].map((number) => work.filter(({ end }) => end.statement === number));
  await Promise.all(
    statements.map(async (several, index) => {
      if (several.length === 0) return;
      const outcomes = await Promise.all(
        several.map(async ({ attempt, end }) => outcomeOf(attempt, await endingOf(attempt, end))),
      );
      await recordOutcomes(pool, runners[index % 2] ?? 0, outcomes);
    }),
  );
  return due.length;
}

/** What a runner would say, that of a task with children by what it sees of them. */
async function endingOf(attempt: DueAttempt, { kind, children: count }: End): Promise<Ending> {
  if (kind === 'failed' || kind === 'timed_out') return { kind, retry: true };
  if (kind === 'for good') return { kind: 'failed', retry: false };
  if (kind === 'interrupted' || kind === 'cancelled') return { kind };
  const isStep = attempt.parentId !== null && !attempt.name.endsWith('on_failure');
  if (!attempt.hasChildren) {
    return kind === 'continued' && isStep
      ? { kind, children: Array.from({ length: count + 1 }, () => []) }
      : { kind: 'succeeded', skipped: false };
  }
  const children = await readChildren(pool, attempt.id);
  const failed = children.filter(
    ({ step, state }) => step !== 'on_failure' && /failed|cancelled/.test(state),
  );
  if (failed.length === 0) return { kind: 'succeeded', skipped: false };
  const waits = children.some(({ step, state }) => step === 'on_failure' && state === 'waiting');
  return waits ? { kind: 'continued', release: true } : { kind: 'failed', retry: false };
}

/** Has operators act on tasks of this workflow at once; gives what they wait for. */
async function operate(rootId: string, operators: Operator[]): Promise<Promise<unknown>[]> {
  const { tasks } = await readLedger(pool, rootId);
  const list = [...tasks.values()];
  return operators.map((operator) => {
    const task = list[operator.pick % list.length];
    const id = task?.id ?? rootId;
    if (operator.do === 'retry') return retryTask(pool, id);
    if (operator.do === 'cancel') return cancelTask(pool, id);
    const above = tasks.get(task?.path.split('/').slice(0, -1).join('/') ?? '')?.id ?? rootId;
    const resolution = { data: null, resolvedBy: 'test', reason: 'test' };
    const act = { actor: 'test', reason: null, requestId: null };
    return resolveStep(pool, { workflowId: above, stepId: id }, resolution, act, null);
  });
}

/** Tasks that are counted wrongly, are in no dispatch though they are due, or are in one that counts though they are not. */
async function contradictions(): Promise<unknown[]> {
  const { rows } = await pool.query(`
    with seen as (
      select t.name, t.state, t.dispatch_id is not null as dispatched, t.pending, t.children is not null as is_parent,
             case when t.step = 'on_failure' then 1
                  else (select count(*) from errand.tasks b
                         where b.parent_id = t.parent_id and b.step = any (t.after)
                           and b.state not in ('succeeded', 'resolved')) end as before,
             (select count(*) from errand.tasks c
               where c.parent_id = t.id and c.state in ('scheduled', 'queued', 'running', 'retrying')) as active,
             (select count(*) from errand_worker._private_jobs job, json_array_elements_text(job.payload) as e (id)
               where job.key = t.dispatch_id::text and e.id = t.id::text) as live
        from errand.tasks t
    )
    select *
      from seen
     where not case
             when state = 'waiting' then not dispatched and pending = before and pending > 0
             when state in ('succeeded', 'failed', 'cancelled', 'resolved') then not dispatched and pending = 0
             when dispatched then live = 1 and pending = 0 and active = 0
             else is_parent and pending = active and pending > 0
           end`);
  return rows;
}
