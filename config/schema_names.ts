import { z } from 'zod';

/**
 * Names that need no quotes anywhere, not even in psql. Postgres allows 63 characters. Errand needs some of
 * them: it appends `_worker` to a name, and the names of NOTIFY channels contain the schema.
 */
const PLAIN = /^[a-z_][a-z0-9_]{0,49}$/;

/**
 * Schemas that others use by default, which Errand refuses: `public`, those of Postgres, and the schema of an
 * application's graphile-worker, whose jobs Errand would treat as its own jobs (also `graphile`, because
 * `_worker` is appended). Errand needs its schemas for itself: its migrations create tables in them, and its
 * roles lose their rights on everything else there.
 */
const OF_OTHERS = /^(public|information_schema|graphile(_worker)?|pg_.*)$/;

/** A setting for the name of a schema. */
function schemaName(example: string) {
  return z
    .string()
    .refine((name) => PLAIN.test(name) && !OF_OTHERS.test(name))
    .meta({ examples: [example] });
}

/** ERRAND_SCHEMA. */
export const errandSchema = schemaName('errand')
  .default('errand')
  .describe(
    'The schema of Errand in the database: at most 50 lower case letters, digits and `_`. Names that others use by default are refused (`public`, `graphile_worker`, `pg_…`). Each Errand in a database has another one',
  );

/** ERRAND_WORKER_SCHEMA. */
export const workerSchema = schemaName('errand_worker')
  .optional()
  .describe(
    "The schema of Errand's graphile-worker: with the same rules. It must differ from ERRAND_SCHEMA. Unset: ERRAND_SCHEMA followed by `_worker`",
  );

type Settings = { ERRAND_SCHEMA: string; ERRAND_WORKER_SCHEMA?: string | undefined };

/** The names of Errand's two schemas. */
export function namedSchemas(settings: Settings): { errand: string; worker: string } {
  const { ERRAND_SCHEMA: errand, ERRAND_WORKER_SCHEMA: worker = `${errand}_worker` } = settings;
  return { errand, worker };
}

/** Whether the two schemas differ. They must, because both contain a table `migrations`. */
export function areTwo(settings: Settings): boolean {
  const { errand, worker } = namedSchemas(settings);
  return errand !== worker;
}
