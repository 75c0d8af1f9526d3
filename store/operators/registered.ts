import type { JsonSchema } from '../../core/schema.ts';
import type { StepRow } from '../../core/workflows/graph.ts';
import { isoTime } from '../database/iso_time.ts';
import type { Database } from '../database/pool.ts';
import { IS_LIVE } from '../submit/live_runner.ts';
import { isHeldBy } from '../tasks/pauses.ts';
import type { Pause } from './queues.ts';

/**
 * A registered definition and the runners that can execute it, as on the wire. Times are ISO 8601.
 */
export type Handler = {
  name: string;
  namespace: string;
  version: string;
  /** The repository that defines it; null if it is not known. */
  owner: string | null;
  payload_schema: JsonSchema;
  result_schema: JsonSchema | null;
  policy: Record<string, unknown>;
  schema_hash: string;
  /** The steps of a workflow, in the order of their definition; null for other tasks. */
  steps: HandlerStep[] | null;
  /** The name of the workflow that it is a step of, or null. */
  workflow: string | null;
  registered_at: string;
  /** The pauses that hold its name, such as that of its namespace; empty if it runs. */
  pauses: Pause[];
  /** The live runners that have it, newest first, at most MAX_RUNNERS. */
  runners: { id: number; host: string; pid: number; version: string | null }[];
  /** How many live runners have it. */
  live_runners: number;
};

/**
 * A step of a registered workflow, as on the wire. `child` is the name of the definition that it
 * runs or maps.
 */
export type HandlerStep = Pick<StepRow, 'step' | 'name' | 'after' | 'conditional' | 'kind' | 'child'>;

/** The definitions to list. `namespaces` are those that the caller may see; null means all. */
export type HandlerFilter = {
  namespaces: readonly string[] | null;
  namespace?: string | undefined;
  names?: readonly string[] | undefined;
};

/** Names are few: people do not write more. */
const MAX_HANDLERS = 1_000;
const MAX_RUNNERS = 100;

/**
 * The definitions that match a filter, by name, at most MAX_HANDLERS (specification R7). Steps,
 * which nobody can submit, are included only if they are asked for by name. Uses runners_live_idx
 * for the runners, and reads each name of each runner once.
 */
export async function listHandlers(database: Database, filter: HandlerFilter): Promise<Handler[]> {
  const { rows } = await database.query<Handler>({
    name: 'list_handlers',
    text: `
      with able as (
        select named.name, r.id, r.host, r.pid, r.task_versions ->> named.name as version,
               row_number() over (partition by named.name order by r.id desc) as place
          from errand.runners r
         cross join lateral (select distinct name from unnest(r.task_names) as given (name)) named
         where ${IS_LIVE}
      ),
      pool as (
        select able.name, count(*) as live,
               json_agg(json_build_object('id', able.id, 'host', able.host, 'pid', able.pid,
                                          'version', able.version) order by able.place)
                 filter (where able.place <= ${MAX_RUNNERS}) as runners
          from able
         group by able.name
      )
      select d.name, d.namespace, d.version, d.owner, d.payload_schema, d.result_schema, d.policy, d.schema_hash,
             d.registered_at, d.workflow,
             (select jsonb_agg(jsonb_build_object('step', s.step, 'name', s.name, 'after', s.after,
                                                  'conditional', s.conditional, 'kind', s.kind, 'child', s.child)
                               order by s.place)
                from rows from (jsonb_to_recordset(d.steps) as (
                       step text, name text, after jsonb, conditional boolean, kind text, child text
                     )) with ordinality as s (step, name, after, conditional, kind, child, place)) as steps,
             coalesce((select json_agg(json_build_object('target', p.target, 'paused_at', p.paused_at,
                                                         'actor', p.actor, 'reason', p.reason) order by p.target)
                         from errand.pauses p
                        where ${isHeldBy('d.name', 'p.target')}), '[]') as pauses,
             coalesce(pool.runners, '[]') as runners,
             coalesce(pool.live, 0) as live_runners
        from errand.definitions d
        left join pool on pool.name = d.name
       where ($1::text[] is null or d.namespace = any ($1))
         and ($2::text is null or d.namespace = $2)
         and case when $3::text[] is null then d.workflow is null else d.name = any ($3) end
       order by d.name
       limit ${MAX_HANDLERS}`,
    values: [filter.namespaces, filter.namespace ?? null, filter.names ?? null],
  });
  return rows.map((handler) => ({
    ...handler,
    // Times within JSON come as Postgres writes them.
    pauses: handler.pauses.map((pause) => ({ ...pause, paused_at: isoTime(pause.paused_at) })),
  }));
}

/**
 * The names of all definitions in these namespaces except steps, at most MAX_HANDLERS, to suggest
 * for a mistyped name.
 */
export async function listHandlerNames(
  database: Database,
  namespaces: readonly string[] | null,
): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>({
    name: 'list_handler_names',
    text: `
      select name
        from errand.definitions
       where ($1::text[] is null or namespace = any ($1)) and workflow is null
       order by name
       limit ${MAX_HANDLERS}`,
    values: [namespaces],
  });
  return rows.map(({ name }) => name);
}

/** The schema of a step's result: its own, or that of the definition that it runs or maps. */
export type StepResult = { kind: StepRow['kind']; schema: JsonSchema | null };

/**
 * The result schema of a registered step, or of a task that a step made; null if it is not
 * registered. Uses the primary key.
 */
export async function readStepResult(database: Database, name: string): Promise<StepResult | null> {
  const { rows } = await database.query<StepResult>({
    name: 'read_step_result',
    text: `
      select s.kind, case s.kind when 'handler' then d.result_schema else child.result_schema end as schema
        from errand.definitions d
        join errand.definitions w on w.name = d.workflow
       cross join lateral jsonb_to_recordset(w.steps) as s (name text, kind text, child text)
        left join errand.definitions child on child.name = s.child
       where d.name = $1 and s.name = d.name
       union all
      select 'handler', d.result_schema from errand.definitions d where d.name = $1 and d.workflow is null`,
    values: [name],
  });
  return rows[0] ?? null;
}
