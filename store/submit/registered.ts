import { ERRAND } from '../../core/registration/owner.ts';
import type { RegisteredTask } from '../../core/registration/registered.ts';
import type { JsonSchema } from '../../core/schema.ts';
import type { Database } from '../database/pool.ts';
import { IS_LIVE } from './live_runner.ts';

/**
 * The SQL condition that an API accepts a registered name without its code. A name of another
 * repository waits for its runner, as the API's own names do. If the API's own repository, or
 * Errand, has a name that the API lacks, a deployment may have removed it: then a live runner must
 * have it. Uses runners_live_idx.
 */
function isAccepted(project: string): string {
  return `
    (coalesce(d.owner, '${ERRAND}') not in ('${ERRAND}', coalesce(${project}, '${ERRAND}'))
     or exists (select
                  from errand.runners r
                 where ${IS_LIVE}
                   and d.name = any (r.task_names)))
    and not errand.is_own_namespace(d.namespace)`;
}

/** A registered definition with the schema of its payload. */
export type RegisteredRow = RegisteredTask & { payload_schema: JsonSchema };

/**
 * The registered definitions with these names that an API of `project` accepts without their code.
 * Steps, which nobody can submit, are left out. Uses the primary key.
 */
export async function readRegistered(
  database: Database,
  names: readonly string[],
  project: string | null,
): Promise<RegisteredRow[]> {
  const { rows } = await database.query<RegisteredRow>({
    name: 'read_registered',
    text: `
      select d.name, d.version, d.upcasts, d.schema_hash, d.payload_schema, d.policy, d.steps
        from errand.definitions d
       where d.name = any ($1) and d.workflow is null and ${isAccepted('$2')}`,
    values: [names, project],
  });
  return rows;
}

/** The name of a registered task or step. */
export type RegisteredName = { name: string; is_step: boolean };

/** Names are few: people do not write more. */
const MAX_NAMES = 5_000;

/** The names of all tasks and steps that an API of `project` accepts without their code, in order. */
export async function listRegistered(database: Database, project: string | null): Promise<RegisteredName[]> {
  const { rows } = await database.query<RegisteredName>({
    name: 'list_registered',
    text: `
      select d.name, d.workflow is not null as is_step
        from errand.definitions d
       where ${isAccepted('$1')}
       order by d.name
       limit ${MAX_NAMES}`,
    values: [project],
  });
  return rows;
}
