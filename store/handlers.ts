import type { StepRow } from '../core/graph.ts';
import type { JsonSchema } from '../core/schema.ts';
import { isHeldBy } from './pauses.ts';
import type { Database } from './pool.ts';
import type { Pause } from './queues.ts';

/** A registered definition and who can execute it, as the wire has it; times are ISO 8601. */
export type Handler = {
  name: string;
  namespace: string;
  version: string;
  payload_schema: JsonSchema;
  result_schema: JsonSchema | null;
  policy: Record<string, unknown>;
  schema_hash: string;
  /** Of a workflow: its steps, in the order of their definition; null for all others. */
  steps: HandlerStep[] | null;
  /** Of a step: the name of its workflow. */
  workflow: string | null;
  registered_at: string;
  /** Of its name and of what it begins with, its namespace above all; empty: it runs. */
  pauses: Pause[];
  /** The runners whose lease holds that have it, newest first, up to MAX_RUNNERS of them. */
  runners: { id: number; host: string; pid: number; version: string | null }[];
  /** How many there are. */
  live_runners: number;
};

/** A step of a registered workflow, as the wire has it; `child` is the name of what it runs or maps. */
export type HandlerStep = Pick<StepRow, 'step' | 'name' | 'after' | 'conditional' | 'kind' | 'child'>;

/** Which definitions; namespaces are those that the caller may see, null is all. */
export type HandlerFilter = {
  namespaces: readonly string[] | null;
  namespace?: string | undefined;
  names?: readonly string[] | undefined;
};

/** Names are few: what is beyond it was not written by people. */
const MAX_HANDLERS = 1_000;
const MAX_RUNNERS = 100;

/**
 * The definitions that a filter leaves, by name, MAX_HANDLERS at most (specification R7); steps, which nobody can submit,
 * only when they are asked for by name. Relies on runners_live_idx for the runners; of each it looks once at every name
 * that it has.
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
         where r.ended_at is null and r.heartbeat_at >= now() - make_interval(secs => r.lease_secs)
      ),
      pool as (
        select able.name, count(*) as live,
               json_agg(json_build_object('id', able.id, 'host', able.host, 'pid', able.pid,
                                          'version', able.version) order by able.place)
                 filter (where able.place <= ${MAX_RUNNERS}) as runners
          from able
         group by able.name
      )
      select d.name, d.namespace, d.version, d.payload_schema, d.result_schema, d.policy, d.schema_hash,
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
    pauses: handler.pauses.map((pause) => ({ ...pause, paused_at: new Date(pause.paused_at).toISOString() })),
  }));
}

/** The names of all definitions of these namespaces but steps, up to MAX_HANDLERS, for who has mistyped one. */
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

/** What decides what a step comes to: its own schema, or that of what it runs or maps. */
export type StepResult = { kind: StepRow['kind']; schema: JsonSchema | null };

/** The same of a step by its name, as it is registered; null when it is not. Relies on the primary key. */
export async function readStepResult(database: Database, name: string): Promise<StepResult | null> {
  const { rows } = await database.query<StepResult>({
    name: 'read_step_result',
    text: `
      select s.kind, case s.kind when 'handler' then d.result_schema else child.result_schema end as schema
        from errand.definitions d
        join errand.definitions w on w.name = d.workflow
       cross join lateral jsonb_to_recordset(w.steps) as s (name text, kind text, child text)
        left join errand.definitions child on child.name = s.child
       where d.name = $1 and s.name = d.name`,
    values: [name],
  });
  return rows[0] ?? null;
}
