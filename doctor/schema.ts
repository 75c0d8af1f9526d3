import type { MigrationPlan } from '../store/database/migration_plan.ts';
import { inSchemas, type Schemas } from '../store/database/schemas.ts';
import { error, type Finding, ok, some, warning } from './finding.ts';

/** The surroundings of the table of applied files. */
export type Around = {
  /** Whether the table of tasks is there. */
  hasTasks: boolean;
  /** The schemas of other Errands in this database. */
  others: readonly string[];
};

/** Judges how far a database is migrated, compared with this version of Errand. */
export function judgeMigrations(
  plan: MigrationPlan,
  { errand, worker }: Schemas,
  version: string,
  { hasTasks, others }: Around,
): Finding {
  const files = plan.transactions.flat().map(({ name }) => name);
  const schemas = `${errand} and ${worker}`;
  if (plan.makesTable && files.length > 0)
    return error('schema_missing', {
      message: `The schemas ${schemas} are not there, or are empty${others.length === 0 ? '' : `. Errand is in other schemas of this database: ${some(others)}`}`,
      remedy: `Run \`errand migrate\`. If the database was in use before, look at DATABASE_URL, ERRAND_SCHEMA and ERRAND_WORKER_SCHEMA: they may name another place`,
    });
  if (files.some((name) => name.startsWith('0001')) && hasTasks)
    return error('row_missing', {
      subject: `${errand}.migrations`,
      message: `The table ${errand}.migrations has lost its rows: it says that nothing was applied, but the table of tasks is there. A migration fails at it`,
      remedy: `Restore the rows from a backup. Or let the same version of Errand migrate an empty database, and copy the rows of its table here`,
    });
  if (plan.worker?.from === null)
    return error('object_missing', {
      subject: worker,
      message: `The schema ${worker} is missing, or is empty, though ${errand} is there: nothing can be submitted or executed`,
      remedy:
        'If it was dropped, run `errand migrate`, and then this again. Runners make the dispatches of all due tasks again',
    });
  if (files.length > 0 || plan.worker !== null) {
    const parts = [
      ...(plan.worker === null ? [] : [`graphile-worker's ${plan.worker.from ?? 0} to ${plan.worker.to}`]),
      ...files,
    ];
    const trouble = {
      message: `The schema is older than Errand ${version}. It lacks: ${some(parts, 8)}`,
      remedy:
        '`errand migrate --dry-run` shows what is to be done, `errand migrate` does it. Processes of the version before go on beside it',
    };
    return plan.isOptional ? warning('schema_old', trouble) : error('schema_old', trouble);
  }
  if (plan.unknown.length > 0)
    return warning('schema_new', {
      message: `The schema is newer than Errand ${version}. It does not know: ${some(plan.unknown, 8)}`,
      remedy: 'Update this installation of Errand. It goes on with the part that it knows',
    });
  return ok('schema_current', `The schema is that of Errand ${version}`);
}

/** Judges the owners of the objects in the schemas: a migration needs all of them. */
export function judgeOwners(owners: readonly string[]): Finding[] {
  if (owners.length < 2) return [];
  return [
    warning('owner', {
      message: `Objects of Errand belong to several roles: ${some(owners)}. A migration as one of them fails at the objects of the others`,
      remedy: `Give all to one role: reassign owned by …, or alter table … owner to …. Or grant one of them to the other`,
    }),
  ];
}

const ROWS: Record<string, { effect: string; sql: string }> = {
  watch: { effect: 'event streams hear of no change', sql: 'insert into errand.watch default values' },
  ticket_key: {
    effect: 'the API cannot sign the tickets of streams',
    sql: 'insert into errand.ticket_key default values',
  },
  rollup_watermark: {
    effect: 'figures cannot be read, and finished tasks are not summed up',
    sql: 'insert into errand.rollup_watermark (rolled_up_to) select coalesce(max(starts_at), now()) from errand.rollups',
  },
};

/** Judges tables that have lost the one row that they must have. */
export function judgeEmptied(tables: readonly string[], schemas: Schemas): Finding[] {
  return tables.flatMap((table) => {
    const row = ROWS[table];
    if (row === undefined) return [];
    return error('row_missing', {
      subject: `${schemas.errand}.${table}`,
      message: `The table ${schemas.errand}.${table} has lost its row: ${row.effect}`,
      remedy: `Run: ${inSchemas(row.sql, schemas)}`,
    });
  });
}
