import type { MigrationPlan } from '../store/database/migration_plan.ts';
import type { Schemas } from '../store/database/schemas.ts';
import { error, type Finding, ok, some, warning } from './finding.ts';

/** Judges how far a database is migrated, compared with this version of Errand. */
export function judgeMigrations(plan: MigrationPlan, { errand, worker }: Schemas, version: string): Finding {
  const files = plan.transactions.flat().map(({ name }) => name);
  const schemas = `${errand} and ${worker}`;
  if (plan.makesTable && files.length > 0)
    return error('schema_missing', {
      message: `The schemas ${schemas} are not there, or are empty`,
      remedy: `Run \`errand migrate\`. If the database was in use before, look at DATABASE_URL, ERRAND_SCHEMA and ERRAND_WORKER_SCHEMA: they may name another place`,
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
