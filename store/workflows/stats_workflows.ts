import { CLOSED } from '../../core/states.ts';
import type { PathStep } from '../../core/workflows/critical_path.ts';
import type { Database } from '../database/pool.ts';
import { NAMES_IN_SCOPE, type Scope, scopeValues } from '../stats/stats.ts';

/** The maximum number of failed tasks that are read per step, the newest first. */
export const FAILED_READ_LIMIT = 100;
/** The maximum number of runs, the latest ones, in which the decisive steps are found. */
export const RUNS_READ_LIMIT = 100;

/** A registered workflow, with its steps in the order of the definition. */
export type RegisteredWorkflow = {
  name: string;
  namespace: string;
  steps: { step: string; name: string; after: string[] }[];
};

/** The workflows with these names in these namespaces (null means all). */
export async function readWorkflows(
  database: Database,
  namespaces: readonly string[] | null,
  names: readonly string[],
): Promise<RegisteredWorkflow[]> {
  const { rows } = await database.query<RegisteredWorkflow>({
    name: 'read_workflows',
    text: `
      select name, namespace, steps
        from errand.definitions
       where name = any ($2) and steps is not null and ($1::text[] is null or namespace = any ($1))`,
    values: [namespaces, names],
  });
  return rows;
}

/**
 * The names of all workflows in these namespaces, to suggest for a mistyped name; at most a
 * thousand.
 */
export async function listWorkflowNames(
  database: Database,
  namespaces: readonly string[] | null,
): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>({
    name: 'list_workflow_names',
    text: `
      select name
        from errand.definitions
       where steps is not null and ($1::text[] is null or namespace = any ($1))
       order by name
       limit 1000`,
    values: [namespaces],
  });
  return rows.map(({ name }) => name);
}

/**
 * The steps of the last RUNS_READ_LIMIT workflows of a name that finished at or after a time (ISO
 * 8601), the newest first. Uses tasks_name_finished_at_idx for these, and tasks_parent_id_step_key
 * for their steps.
 */
export async function readRecentRuns(database: Database, name: string, from: string): Promise<PathStep[][]> {
  const { rows } = await database.query<{ steps: PathStep[] }>({
    name: 'read_recent_runs',
    text: `
      select steps.steps
        from (select t.id, t.finished_at
                from errand.tasks t
               where t.name = $1 and t.finished_at >= $2
               order by t.finished_at desc
               limit $3) run
       cross join lateral (
         select coalesce(json_agg(json_build_object('step', s.step, 'after', coalesce(s.after, '{}'), 'state', s.state,
                                                    'started_at', s.started_at, 'finished_at', s.finished_at)
                                  order by s.id), '[]') as steps
           from errand.tasks s
          where s.parent_id = run.id and s.step is not null
       ) steps
       order by run.finished_at desc`,
    values: [name, from, RUNS_READ_LIMIT],
  });
  return rows.map(({ steps }) => steps);
}

/** The workflows of one name that have not succeeded because of failed steps, as on the wire. */
export type BlockedWorkflows = {
  name: string;
  namespace: string;
  workflows: number;
  workflows_is_capped: boolean;
  steps: string[];
  last_failed_at: string;
  example_id: string;
};

/**
 * The workflows in scope that have failed steps and have not ended otherwise, by name, the latest
 * failure first: at most `limit` names. Reads FAILED_READ_LIMIT failed tasks of each step by
 * tasks_name_state_id_idx, and their workflows by the primary key.
 */
export async function readBlockedWorkflows(
  database: Database,
  scope: Scope,
  limit: number,
): Promise<BlockedWorkflows[]> {
  const { rows } = await database.query<BlockedWorkflows>({
    name: 'read_blocked_workflows',
    text: `
      with ${NAMES_IN_SCOPE},
      failed as (
        select d.workflow, d.namespace, f.step, f.finished_at, w.id, f.place
          from errand.definitions d
         cross join lateral (
           select t.step, t.finished_at, t.parent_id, row_number() over (order by t.id desc) as place
             from errand.tasks t
            where t.name = d.name and t.state = 'failed'
            order by t.id desc
            limit $3
         ) f
          join errand.tasks w on w.id = f.parent_id and w.state <> all ($5)
         where d.workflow in (select name from names)
      )
      select workflow as name, namespace,
             count(distinct id) as workflows,
             bool_or(place >= $3) as workflows_is_capped,
             array_agg(distinct step) as steps,
             max(finished_at) as last_failed_at,
             (array_agg(id order by finished_at desc, id desc))[1] as example_id
        from failed
       group by workflow, namespace
       order by last_failed_at desc, name
       limit $4`,
    values: [...scopeValues(scope), FAILED_READ_LIMIT, limit, CLOSED],
  });
  return rows;
}
