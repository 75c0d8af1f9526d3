import type { ErrorRecord } from '../../core/errors.ts';
import { CLOSED, type State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';

/** A step or another child of a task, as later code reads it. */
export type Child = {
  id: string;
  name: string;
  /** Null for an item of a list. */
  step: string | null;
  state: State;
  skipped: boolean;
  result: unknown;
  error: ErrorRecord | null;
};

/**
 * The result of a task for the tasks after it, from a relation with this alias. If the task was
 * resolved by hand, it is the given result, without the principal and the reason.
 */
function usable(alias: string): string {
  return `case ${alias}.state when 'resolved' then ${alias}.result -> 'result' else ${alias}.result end`;
}

/** The children of a task, in the order of their submission. Uses tasks_parent_id_step_key. */
export async function readChildren(database: Database, parentId: string): Promise<Child[]> {
  const { rows } = await database.query<Child>({
    name: 'read_children',
    text: `
      select c.id, c.name, c.step, c.state, c.skipped, ${usable('c')} as result, c.error
        from errand.tasks c
       where c.parent_id = $1
       order by c.id`,
    values: [parentId],
  });
  return rows;
}

/**
 * The results of the steps that a step comes after, by name, except skipped ones. Uses
 * tasks_parent_id_step_key.
 */
export async function readResults(database: Database, stepId: string): Promise<Record<string, unknown>> {
  const { rows } = await database.query<{ step: string; result: unknown }>({
    name: 'read_results',
    text: `
      select b.step, ${usable('b')} as result
        from errand.tasks t
        join errand.tasks b on b.parent_id = t.parent_id and b.step = any (t.after)
       where t.id = $1 and not b.skipped`,
    values: [stepId],
  });
  return Object.fromEntries(rows.map(({ step, result }) => [step, result]));
}

/** A step or another child of a task, as on the wire. Times are ISO 8601. */
export type WorkflowNode = {
  id: string;
  /** Null for an item of a list. */
  step: string | null;
  name: string;
  state: State;
  skipped: boolean;
  /** The steps that it waits for; null for an item of a list. */
  after: string[] | null;
  attempt: number;
  max_attempts: number;
  /** How many children it has; null if none. */
  children: number | null;
  created_at: string;
  run_at: string;
  started_at: string | null;
  finished_at: string | null;
  /** From start to end. */
  duration_ms: number | null;
  /** The first MAX_MESSAGE_LENGTH characters of the error message. */
  error_message: string | null;
};

/** A list may have more children: GET /v1/tasks has pages of them. */
export const MAX_NODES = 1_000;
export const MAX_MESSAGE_LENGTH = 1_000;

/**
 * The children of a task that the caller may see: steps in the order of the registered graph, items
 * of a list in their order. At most MAX_NODES, and whether there are more. Null if there is no such
 * task that the caller may see. With `onlySteps` the items of lists are left out. Uses
 * tasks_parent_id_step_key.
 */
export async function listNodes(
  database: Database,
  parentId: string,
  visibility: Visibility,
  onlySteps = false,
): Promise<{ nodes: WorkflowNode[]; more: boolean } | null> {
  type Row = (WorkflowNode | { id: null }) & { place: number | null };
  const { rows } = await database.query<Row>({
    name: 'list_nodes',
    text: `
      with parent as materialized (
        select t.id, t.name from errand.tasks t where t.id = $1 and ${isVisible('$2', '$3')}
      ),
      place as materialized (
        select e.step ->> 'step' as step, e.place
          from errand.definitions d
          join parent on parent.name = d.name
         cross join lateral jsonb_array_elements(d.steps) with ordinality as e (step, place)
      )
      select node.*
        from parent
        left join lateral (
          select t.id, t.step, t.name, t.state, t.skipped, t.after, t.attempt, t.max_attempts, t.children,
                 errand.uuid_time(t.id) as created_at, t.run_at, t.started_at, t.finished_at,
                 round(errand.duration_ms(t.finished_at - t.started_at)) as duration_ms,
                 left(t.error ->> 'message', ${MAX_MESSAGE_LENGTH}) as error_message, place.place
            from errand.tasks t
            left join place on place.step = t.step
           where t.parent_id = parent.id and ${isVisible('$2', '$3')} and (not $4 or t.step is not null)
           order by place.place, t.id
           limit ${MAX_NODES + 1}
        ) node on true
       order by node.place, node.id`,
    values: [parentId, ...visibilityValues(visibility), onlySteps],
  });
  if (rows.length === 0) return null;
  const nodes = rows.flatMap(({ place: _, ...node }) => (node.id === null ? [] : [node]));
  return { nodes: nodes.slice(0, MAX_NODES), more: nodes.length > MAX_NODES };
}

/**
 * A step or another child of this task; null if there is none with this id, or if the caller may
 * not see both.
 */
export async function getStep(
  database: Database,
  at: { parentId: string; stepId: string },
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'get_step',
    text: `
      select ${TASK_COLUMNS}
        from errand.tasks t
       where t.id = $1 and t.parent_id = $2 and ${isVisible('$3', '$4')}
         and exists (select from errand.tasks t where t.id = $2 and ${isVisible('$3', '$4')})`,
    values: [at.stepId, at.parentId, ...visibilityValues(visibility)],
  });
  return rows[0] ?? null;
}

/** A workflow that a task is part of, directly or indirectly. `depth` is 1 for its parent. */
export type Ancestor = { id: string; state: State; depth: number };

/**
 * The nearest ancestor that has ended, except failed ones, which wait for a retry of their parts;
 * null if there is none. Uses the primary key.
 */
export async function readEndedWorkflow(database: Database, id: string): Promise<Ancestor | null> {
  const { rows } = await database.query<Ancestor>({
    name: 'read_ended_workflow',
    text: `
      with recursive ancestors as (
        select p.id, p.state, p.parent_id, 1 as depth
          from errand.tasks t
          join errand.tasks p on p.id = t.parent_id
         where t.id = $1
         union all
        select p.id, p.state, p.parent_id, w.depth + 1 from ancestors w join errand.tasks p on p.id = w.parent_id
      )
      select w.id, w.state, w.depth
        from ancestors w
       where w.state = any ($2)
       order by w.depth
       limit 1`,
    values: [id, CLOSED],
  });
  return rows[0] ?? null;
}
