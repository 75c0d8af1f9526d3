import { createHash } from 'node:crypto';
import { stepRows } from '../core/graph.ts';
import type { TaskDefinition } from '../core/task.ts';
import type { Database } from './pool.ts';

/**
 * Registers what this process can execute, so that the API and SQL callers know it (specification T7). The
 * newest start wins; rows that did not change are not written.
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
            is distinct from (excluded.version, excluded.schema_hash, excluded.policy, excluded.steps, excluded.workflow)`,
    [JSON.stringify(definitions.flatMap(withSteps).map(toColumns))],
  );
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
