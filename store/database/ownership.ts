import type { Database } from './pool.ts';
import type { Schemas } from './schemas.ts';

/** The contents of the two schemas in a database. */
type Contents = {
  /** Whether the schema of the ledger has Errand's table of applied files. */
  is_errand: boolean;
  /** Whether that table is from before the first release. */
  is_old: boolean;
  /**
   * The schema of the graphile-worker whose jobs the functions make; null if there are no such
   * functions.
   */
  worker: string | null;
  /** Whether the schemas contain anything. */
  errand_holds: boolean;
  worker_holds: boolean;
};

/**
 * Whether Errand is in these schemas; false if they are empty or do not exist. Throws, and changes
 * nothing, if they belong to an application or to another Errand, or if the Errand in them was made
 * before the first release. It reads nothing of other schemas, such as an application's own
 * graphile_worker.
 */
export async function isErrandIn(database: Database, schemas: Schemas): Promise<boolean> {
  const found = await readContents(database);
  const { errand, worker } = schemas;
  if (!found.is_errand) {
    if (found.errand_holds) throw foreign(errand, 'it holds what Errand has not made');
    if (found.worker_holds)
      throw foreign(worker, `there is no Errand in the schema ${errand} that it could belong to`);
    return false;
  }
  if (found.is_old)
    throw tooOld('it was made before the first release of Errand', {
      errand,
      worker: found.worker ?? BEFORE_RELEASE,
    });
  if (found.worker === null || found.worker === worker) return true;
  if (found.worker === BEFORE_RELEASE)
    throw tooOld(`its graphile-worker is in the schema ${BEFORE_RELEASE}`, {
      errand,
      worker: BEFORE_RELEASE,
    });
  throw new Error(
    `The Errand in the schema ${errand} has its graphile-worker in the schema ${found.worker}, and not in ${worker}. ` +
      `Nothing was changed. Set ERRAND_WORKER_SCHEMA to ${found.worker}`,
  );
}

/** The schema of Errand's graphile-worker before the first release. */
const BEFORE_RELEASE = 'graphile_worker';

/** The error for a database that must be made again. `schemas` are those to drop. */
export function tooOld(why: string, { errand, worker }: Schemas): Error {
  return new Error(
    `This version cannot use the database: ${why}. Nothing was changed. ` +
      'Let the version that made it finish its tasks, and stop all its processes. Then run ' +
      `\`drop schema ${errand}, ${worker} cascade\` in psql, which deletes all tasks, and start again. ` +
      'To make an embedded Postgres again, it is enough to delete its folder (.errand)',
  );
}

function foreign(schema: string, why: string): Error {
  return new Error(
    `The schema ${schema} belongs to another application, or to another Errand: ${why}. Nothing was changed. ` +
      'Name other schemas with ERRAND_SCHEMA and ERRAND_WORKER_SCHEMA. If nobody needs this one any more, ' +
      `run \`drop schema ${schema} cascade\` in psql, which deletes all that is in it, and start again`,
  );
}

async function readContents(database: Database): Promise<Contents> {
  const { rows } = await database.query<Contents>(`
    select held.columns @> '{file}' as is_errand,
           not held.columns @> '{hash}' as is_old,
           (select n.nspname
              from pg_proc p
              join pg_type t on t.oid = p.prorettype
              join pg_namespace n on n.oid = t.typnamespace
             where p.pronamespace = to_regnamespace('errand') and t.typname = 'job_spec'
             limit 1) as worker,
           exists (select from pg_class where relnamespace = to_regnamespace('errand'))
             or exists (select from pg_proc where pronamespace = to_regnamespace('errand')) as errand_holds,
           exists (select from pg_class where relnamespace = to_regnamespace('errand_worker'))
             or exists (select from pg_proc where pronamespace = to_regnamespace('errand_worker')) as worker_holds
      from (select array(select attname::text from pg_attribute where attrelid = to_regclass('errand.migrations')) as columns) held`);
  const [row] = rows;
  if (row === undefined) throw new Error('Postgres gave no row for what a row always is');
  return row;
}
