import { NO_OWNERSHIP, type Ownership } from '../../core/registration/owner.ts';
import { schemaHashOf } from '../../core/registration/schema_hash.ts';
import { taskNames } from '../../core/registry.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { stepRows } from '../../core/workflows/graph.ts';
import type { Database } from '../database/pool.ts';
import { registerLimits } from '../limits/register.ts';
import { IS_LIVE } from './live_runner.ts';
import { type Claim, hasOtherRunner, refuseClaimed } from './owners.ts';

/**
 * The SQL condition that a live runner has a newer version of a definition than this one. Runners
 * that report no versions do not count. Uses runners_live_idx.
 */
function hasNewerRunner(name: string, version: string): string {
  return `
    exists (select
              from errand.runners r
             where ${IS_LIVE}
               and errand.version_key(r.task_versions ->> ${name}) > errand.version_key(${version}))`;
}

/**
 * Registers the definitions of this process for the API and for SQL callers (specification T7).
 * Registered is the newest version that a live runner has. So a newer version replaces an older
 * one. An older version replaces a newer one only if no live runner has the newer one any more. For
 * the same version the newest start wins. Unchanged rows are not written. The identifiers are made
 * first, so that nobody can submit a name by SQL before its identifier exists.
 *
 * Throws and registers nothing if a live owner of one of the names is another repository, and its
 * schemas are different (specification P5). If several owners have the same definition, the first
 * one stays the registered owner until none of its runners has the name.
 */
export async function registerDefinitions(
  database: Database,
  definitions: readonly TaskDefinition[],
  ownership: Ownership = NO_OWNERSHIP,
): Promise<void> {
  const rows = definitions.flatMap(withSteps).map((one) => toColumns(one, ownership));
  await refuseClaimed(database, rows, ownership, definitions);
  await makeIdentifiers(database, taskNames(definitions));
  await database.query(
    `insert into errand.definitions as d (
            name, namespace, version, schema_hash, payload_schema, result_schema, policy, steps, workflow, upcasts, owner)
     select name, namespace, version, schema_hash, payload_schema, result_schema, policy, steps, workflow, upcasts, owner
       from jsonb_to_recordset($1::jsonb) as g (
              name text, namespace text, version text, schema_hash text,
              payload_schema jsonb, result_schema jsonb, policy jsonb, steps jsonb, workflow text,
              upcasts text[], owner text)
      order by name
     on conflict (name) do update
        set version = excluded.version,
            schema_hash = excluded.schema_hash,
            payload_schema = excluded.payload_schema,
            result_schema = excluded.result_schema,
            policy = excluded.policy,
            steps = excluded.steps,
            workflow = excluded.workflow,
            upcasts = excluded.upcasts,
            owner = coalesce(excluded.owner, d.owner),
            registered_at = now()
      where ((d.version, d.schema_hash, d.policy, d.steps, d.workflow, d.upcasts)
             is distinct from (excluded.version, excluded.schema_hash, excluded.policy, excluded.steps,
                               excluded.workflow, excluded.upcasts)
             or (excluded.owner is not null and d.owner is distinct from excluded.owner
                 and not ${hasOtherRunner('d.name', '$2')}))
        and (errand.version_key(excluded.version) >= errand.version_key(d.version)
             or not ${hasNewerRunner('d.name', 'excluded.version')})`,
    [JSON.stringify(rows), ownership.project],
  );
  await registerLimits(database);
  // Another repository may have registered the same new name at the same moment.
  await refuseClaimed(database, rows, ownership, definitions);
}

/**
 * Registers the definitions of a live runner if one of them has become the newest: the last runner
 * with a newer one has left (a rollback), or a process without it has registered an older one. Gives
 * whether it did. Uses the primary key. Throws like `registerDefinitions`.
 */
export async function keepRegistered(
  database: Database,
  definitions: readonly TaskDefinition[],
  ownership: Ownership = NO_OWNERSHIP,
): Promise<boolean> {
  const all = definitions.flatMap(withSteps).map((one) => toColumns(one, ownership));
  await refuseClaimed(database, all, ownership, definitions);
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
  if (rows[0]?.due !== true) return false;
  await registerDefinitions(database, definitions, ownership);
  return true;
}

/**
 * Makes the rows that graphile-worker keeps for task identifiers, as its workers do when they
 * start. Otherwise the first add_jobs of a name makes its row: if an application does that in a
 * transaction that stays open, all other submissions of the name wait for the unique key.
 */
async function makeIdentifiers(database: Database, names: readonly string[]): Promise<void> {
  await database.query(
    `insert into errand_worker._private_tasks (identifier)
     select name
       from unnest($1::text[]) as own (name)
      where not exists (select from errand_worker._private_tasks k where k.identifier = own.name)
      order by name
     on conflict do nothing`,
    [names],
  );
}

/** A workflow and its steps, which are registered like tasks. */
function withSteps(definition: TaskDefinition): TaskDefinition[] {
  return [definition, ...(definition.graph?.steps ?? []).map(({ definition: step }) => step)];
}

function toColumns(definition: TaskDefinition, { ownerOf }: Ownership): Claim & Record<string, unknown> {
  return {
    name: definition.name,
    namespace: definition.namespace,
    version: definition.version,
    schema_hash: schemaHashOf(definition),
    payload_schema: definition.payloadJsonSchema,
    result_schema: definition.resultJsonSchema ?? null,
    policy: definition.policy,
    steps: definition.graph === undefined ? null : stepRows(definition.graph),
    workflow: definition.workflow ?? null,
    upcasts: [...definition.upcasts.keys()],
    owner: ownerOf(definition),
  };
}
