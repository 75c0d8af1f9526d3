import type { Pool } from 'pg';
import { STARTABLE, type State } from '../../../../core/states.ts';
import { type DueAttempt, loadDispatches } from '../../../../store/attempts/load.ts';
import { everyTask, isDone, type ModelTask, pendingOf } from './model.ts';

/** What is compared of a task. */
type Seen = {
  state: State;
  attempt: number;
  maxAttempts: number;
  pending: number;
  crashes: number;
  started: boolean;
  cancelAsked: boolean;
  skipped: boolean;
  dispatched: boolean;
  /** In how many dispatches of all time it is, and in how many of them that count. */
  dispatches: number;
  live: number;
  /** The runner that holds it. */
  holder: number | null;
  ended: number[];
};

/** A task as it is in the ledger. */
type LedgerTask = Seen & { id: string; path: string };

/** The ledger as far as it belongs to one workflow. */
export type Ledger = { tasks: Map<string, LedgerTask>; due: DueAttempt[] };

/** Reads a workflow with all below it, and what of it could be begun. Dispatches are never deleted here: they tell what was queued. */
export async function readLedger(pool: Pool, rootId: string): Promise<Ledger> {
  const { rows } = await pool.query<
    Omit<LedgerTask, 'path'> & { parent_id: string; step: string | null; heldBy: string }
  >({
    name: 'model',
    text: TREE,
    values: [rootId],
  });
  const { rows: jobs } = await pool.query<{ key: string; payload: string[] }>({
    name: 'model_dispatches',
    text: 'select key, payload from errand_worker._private_jobs',
  });
  const tasks = new Map<string, LedgerTask>();
  const places = new Map<string, { path: string; listed: number }>();
  for (const { parent_id, step, heldBy: _heldBy, ...task } of rows) {
    const parent = task.id === rootId ? undefined : places.get(parent_id);
    const path = parent === undefined ? 'w' : `${parent.path}/${step ?? parent.listed++}`;
    places.set(task.id, { path, listed: 0 });
    tasks.set(path, { ...task, path });
  }
  const held = rows.flatMap(({ id, holder, heldBy }) =>
    holder === null ? [] : [{ key: heldBy, taskIds: [id] }],
  );
  const due = await loadDispatches(pool, [
    ...jobs.map(({ key, payload }) => ({ key, taskIds: payload })),
    ...held,
  ]);
  return { tasks, due: due.flat() };
}

const TREE = `
  with recursive tree as (
    select t.* from errand.tasks t where t.id = $1
     union all
    select t.* from tree join errand.tasks t on t.parent_id = tree.id
  ),
  announced as (
    select e.id::uuid, job.key from errand_worker._private_jobs job, json_array_elements_text(job.payload) as e (id)
  )
  select t.id, t.parent_id, t.step, t.state, t.attempt, t.max_attempts as "maxAttempts", t.pending, t.crashes,
         t.started_at is not null as started, t.cancel_requested_at is not null as "cancelAsked",
         t.skipped, t.dispatch_id is not null as dispatched,
         (select count(*) from announced a where a.id = t.id)::integer as dispatches,
         (select count(*) from announced a where a.id = t.id and a.key = t.dispatch_id::text)::integer
           + (r.id is not null)::integer as live,
         r.id as holder, t.dispatch_id as "heldBy",
         array(select a.attempt from errand.attempts a where a.task_id = t.id order by a.attempt) as ended
    from tree t
    left join errand.runners r on t.dispatch_id between errand.first_held(r.id) and errand.last_held(r.id) and r.ended_at is null
   order by t.id`;

/** The ledger as one can compare it with `expected`. */
export function seen({ tasks, due }: Ledger): { tasks: Record<string, Seen>; due: string[] } {
  const paths = new Map(Array.from(tasks.values(), ({ id, path }) => [id, path]));
  return {
    tasks: Object.fromEntries(Array.from(tasks.values(), ({ id, path, ...task }) => [path, task])),
    due: due.map((attempt) => describeDue(paths.get(attempt.id), attempt)).sort(),
  };
}

function describeDue(path: string | undefined, due: DueAttempt): string {
  return `${path} ${due.attempt} of ${due.maxAttempts} after [${Object.keys(due.results ?? {}).sort()}]${due.hasChildren ? ' joins' : ''}`;
}

/** What the ledger has to hold when the model is right. */
export function expected(root: ModelTask): { tasks: Record<string, Seen>; due: string[] } {
  const tasks = everyTask(root);
  return {
    tasks: Object.fromEntries(tasks.map((task) => [task.path, seenOf(task)])),
    due: tasks
      .filter(({ state, dispatched }) => dispatched && STARTABLE.some((startable) => startable === state))
      .map((task) => {
        const before = (task.parent?.children ?? []).filter(
          (one) => one.step !== null && task.after.includes(one.step) && isDone(one) && !one.skipped,
        );
        const joins = task.children.length > 0 ? ' joins' : '';
        const after = before.map(({ step }) => step).sort();
        return `${task.path} ${task.attempt} of ${task.maxAttempts} after [${after}]${joins}`;
      })
      .sort(),
  };
}

function seenOf(task: ModelTask): Seen {
  const {
    state,
    attempt,
    maxAttempts,
    crashes,
    started,
    cancelAsked,
    skipped,
    dispatched,
    dispatches,
    holder,
    ended,
  } = task;
  const counted = { pending: pendingOf(task), live: dispatched ? 1 : 0 };
  return {
    state,
    attempt,
    maxAttempts,
    crashes,
    started,
    cancelAsked,
    skipped,
    dispatched,
    dispatches,
    holder,
    ended,
    ...counted,
  };
}
