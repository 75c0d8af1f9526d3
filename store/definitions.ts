import { createHash } from 'node:crypto';
import { stepRows } from '../core/graph.ts';
import type { TaskDefinition } from '../core/task.ts';
import type { Database } from './pool.ts';

/**
 * The condition that a live runner has a newer version of a definition than this. Runners that do not tell versions have none.
 * Relies on runners_live_idx.
 */
function hasNewerRunner(name: string, version: string): string {
  return `
    exists (select
              from errand.runners r
             where r.ended_at is null
               and r.heartbeat_at >= now() - make_interval(secs => r.lease_secs)
               and errand.version_key(r.task_versions ->> ${name}) > errand.version_key(${version}))`;
}

/**
 * Registers what this process can execute, so that the API and SQL callers know it (specification T7). What is registered of
 * a name is the newest version that a live runner has. So a newer version takes the place of an older one, and an older
 * one that of a newer one only when no live runner has that any more; of one version the newest start wins. Rows that did
 * not change are not written.
 */
export async function registerDefinitions(
  database: Database,
  definitions: readonly TaskDefinition[],
): Promise<void> {
  await database.query(
    `insert into errand.definitions as d (
            name, namespace, version, schema_hash, payload_schema, result_schema, policy, steps, workflow)
     select name, namespace, version, schema_hash, payload_schema, result_schema, policy, steps, workflow
       from jsonb_to_recordset($1::jsonb) as g (
              name text, namespace text, version text, schema_hash text,
              payload_schema jsonb, result_schema jsonb, policy jsonb, steps jsonb, workflow text)
      order by name
     on conflict (name) do update
        set version = excluded.version,
            schema_hash = excluded.schema_hash,
            payload_schema = excluded.payload_schema,
            result_schema = excluded.result_schema,
            policy = excluded.policy,
            steps = excluded.steps,
            workflow = excluded.workflow,
            registered_at = now()
      where (d.version, d.schema_hash, d.policy, d.steps, d.workflow)
            is distinct from (excluded.version, excluded.schema_hash, excluded.policy, excluded.steps, excluded.workflow)
        and (errand.version_key(excluded.version) >= errand.version_key(d.version)
             or not ${hasNewerRunner('d.name', 'excluded.version')})`,
    [JSON.stringify(definitions.flatMap(withSteps).map(toColumns))],
  );
}

/**
 * Registers the definitions of a live runner if one of them has become the newest: the last runner with a newer one has left
 * (a deployment was rolled back), or somebody without it has registered an older one. Relies on the primary key.
 */
export async function keepRegistered(
  database: Database,
  definitions: readonly TaskDefinition[],
): Promise<void> {
  const all = definitions.flatMap(withSteps);
  const { rows } = await database.query<{ due: boolean }>({
    name: 'keep_registered',
    text: `
      select exists (
               select
                 from unnest($1::text[], $2::text[]) as own (name, version)
                 left join errand.definitions d using (name)
                where d.name is null
                   or errand.version_key(d.version) < errand.version_key(own.version)
                   or (errand.version_key(d.version) > errand.version_key(own.version)
                       and not ${hasNewerRunner('own.name', 'own.version')})) as due`,
    values: [all.map(({ name }) => name), all.map(({ version }) => version)],
  });
  if (rows[0]?.due === true) await registerDefinitions(database, definitions);
}

/** A workflow and its steps, which are registered like tasks. */
function withSteps(definition: TaskDefinition): TaskDefinition[] {
  return [definition, ...(definition.graph?.steps ?? []).map(({ definition: step }) => step)];
}

function toColumns(definition: TaskDefinition): Record<string, unknown> {
  const schemas = { payload: definition.payloadJsonSchema, result: definition.resultJsonSchema };
  return {
    name: definition.name,
    namespace: definition.namespace,
    version: definition.version,
    schema_hash: createHash('sha256').update(JSON.stringify(schemas)).digest('hex'),
    payload_schema: definition.payloadJsonSchema,
    result_schema: definition.resultJsonSchema ?? null,
    policy: definition.policy,
    steps: definition.graph === undefined ? null : stepRows(definition.graph),
    workflow: definition.workflow ?? null,
  };
}
