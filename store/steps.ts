import type { ErrorRecord } from '../core/errors.ts';
import { CLOSED, type State } from '../core/states.ts';
import type { Database } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** A step or another child of a task, as those that go on from it see it. */
export type Child = {
  id: string;
  name: string;
  /** Null for one of a list. */
  step: string | null;
  state: State;
  skipped: boolean;
  result: unknown;
  error: ErrorRecord | null;
};

/**
 * What those that come after a task get as its result, of a relation of this alias: of one that was resolved by hand what
 * was given for it, without who did so and why.
 */
export function usable(alias: string): string {
  return `case ${alias}.state when 'resolved' then ${alias}.result -> 'result' else ${alias}.result end`;
}

/** The children of a task, in the order of their submission. Relies on tasks_parent_id_step_key. */
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

/** The results of the steps that a step comes after, by name, but of skipped ones. Relies on tasks_parent_id_step_key. */
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

/** A step or another child of a task as the wire has it; times are ISO 8601. */
export type WorkflowNode = {
  id: string;
  /** Null for one of a list. */
  step: string | null;
  name: string;
  state: State;
  skipped: boolean;
  /** The steps that it waits for; null for one of a list. */
  after: string[] | null;
  attempt: number;
  max_attempts: number;
  /** How many it has itself; null: none. */
  children: number | null;
  created_at: string;
  run_at: string;
  started_at: string | null;
  finished_at: string | null;
  /** From start to end. */
  duration_ms: number | null;
  /** The first MAX_MESSAGE_LENGTH characters of it. */
  error_message: string | null;
};

/** Of a list that a step has made there may be more: GET /v1/tasks has their pages. */
export const MAX_NODES = 1_000;
export const MAX_MESSAGE_LENGTH = 1_000;

/**
 * The children of a task that the caller may see: steps in the order of the graph as it is registered, those of a list in
 * their order, MAX_NODES of them at most, and whether there are more. Null when there is no such task that the caller may
 * see. With `onlySteps` those of a list are left out. Relies on tasks_parent_id_step_key.
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
                 uuid_extract_timestamp(t.id) as created_at, t.run_at, t.started_at, t.finished_at,
                 case when t.finished_at >= t.started_at
                      then round(extract(epoch from t.finished_at - t.started_at) * 1000)::float8
                 end as duration_ms,
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

/** A step or another child of this task, or null when there is none of this id, or the caller may not see both. */
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

/** What a task is a part of, directly or by what that is a part of: `depth` is 1 for its parent. */
export type Whole = { id: string; state: State; depth: number };

/**
 * The nearest of those that have ended, but for failed ones, which wait for their parts to be done again; null when there
 * is none. Relies on the primary key.
 */
export async function readEndedWhole(database: Database, id: string): Promise<Whole | null> {
  const { rows } = await database.query<Whole>({
    name: 'read_ended_whole',
    text: `
      with recursive whole as (
        select p.id, p.state, p.parent_id, 1 as depth
          from errand.tasks t
          join errand.tasks p on p.id = t.parent_id
         where t.id = $1
         union all
        select p.id, p.state, p.parent_id, w.depth + 1 from whole w join errand.tasks p on p.id = w.parent_id
      )
      select w.id, w.state, w.depth
        from whole w
       where w.state = any ($2)
       order by w.depth
       limit 1`,
    values: [id, CLOSED],
  });
  return rows[0] ?? null;
}
