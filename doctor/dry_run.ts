import type { Pool } from 'pg';
import { loadConfig, schemasFor } from '../config/load.ts';
import { connectionConfig, explainFailure } from '../process/database.ts';
import { type MigrationPlan, planMigration } from '../store/database/migration_plan.ts';
import { MIGRATIONS_TABLE_SQL } from '../store/database/migrations_table.ts';
import { openPool } from '../store/database/pool.ts';
import { inSchemas, schemasOf } from '../store/database/schemas.ts';
import { readServer, whyReadOnly, whyUnsuitable } from '../store/database/server.ts';
import { workerMigrations } from '../store/database/worker_schema.ts';
import { readCatalogue } from '../store/doctor/catalogue.ts';
import { readRights } from '../store/doctor/rights.ts';
import { some } from './finding.ts';
import { type Effect, effectsOf } from './migration_effects.ts';
import { realName } from './names.ts';

/** A file that the migration would apply. */
export type Step = {
  /** `0001_tasks.sql`, `functions/submit.sql`, or `graphile-worker 000020.sql`. */
  name: string;
  /** Its number among the transactions, from 1. */
  transaction: number;
  /** Its effects on tables that are there, as far as its text shows. */
  effects: Effect[];
  /** With the names of the schemas of this configuration. */
  sql: string;
};

/** The work that `errand migrate` would do now. */
export type DryRun = { steps: Step[]; unknown: string[]; isOptional: boolean };

/**
 * Finds out what `errand migrate` would do with this configuration, in one read-only session. Throws
 * with the reason where the migration itself would refuse: Postgres can't be reached or not be
 * written, the schemas belong to others, or this role may not migrate. It does not wait for a server
 * that comes up.
 */
export async function dryRun(): Promise<DryRun> {
  const config = loadConfig();
  const pool = openPool({
    connectionString: connectionConfig(config).connectionString,
    schemas: schemasFor(config),
    applicationName: 'errand migrate --dry-run',
    size: 1,
    statementTimeoutMs: 60_000,
    onError: () => {},
  });
  try {
    const server = await readServer(pool).catch((error: unknown) => {
      const { message, advice } = explainFailure(error, config);
      throw new Error(`${message}. ${advice}`, { cause: error });
    });
    const unusable = whyUnsuitable(server) ?? whyReadOnly(server);
    if (unusable !== null) throw new Error(`Nothing can be migrated: ${unusable}`);
    const plan = await planMigration(pool);
    const steps = await stepsOf(plan, pool);
    if (steps.length > 0 && !plan.isOptional) await requireRights(pool);
    return { steps, unknown: plan.unknown, isOptional: plan.isOptional };
  } finally {
    await pool.end();
  }
}

async function stepsOf(plan: MigrationPlan, pool: Pool): Promise<Step[]> {
  const { worker, makesTable, transactions } = plan;
  if (worker === null && transactions.length === 0) return [];
  const schemas = schemasOf(pool.options);
  const there = new Set(
    (await readCatalogue(pool)).filter(({ kind }) => kind === 'table').map(({ name }) => name),
  );
  const steps: Step[] = [];
  const add = (transaction: number, name: string, sql: string): void => {
    const plain = sql.replaceAll(`"${schemas.worker}"`, 'errand_worker');
    const effects = effectsOf(plain).filter(({ table }) => there.has(table));
    const shown = effects.map(({ table, effect }) => ({ table: realName(table, schemas), effect }));
    steps.push({ name, transaction, effects: shown, sql: inSchemas(sql, schemas) });
  };
  let transaction = 0;
  if (makesTable) add(++transaction, 'the table of applied files', MIGRATIONS_TABLE_SQL);
  for (const { name, sql } of worker === null ? [] : await workerMigrations(pool, worker.from ?? 0))
    add(++transaction, `graphile-worker ${name}`, sql);
  for (const files of transactions) {
    transaction++;
    for (const { name, sql } of files) add(transaction, name, sql);
  }
  return steps;
}

async function requireRights(pool: Pool): Promise<void> {
  const { role, hasSchemas, mayCreateSchemas, otherOwners } = await readRights(pool);
  if (hasSchemas && otherOwners.length > 0)
    throw new Error(
      `the schema must be migrated, but the role ${role} may not do that: ${some(otherOwners)} owns objects there. ` +
        'Run it as the owner of the schema',
    );
  if (!hasSchemas && !mayCreateSchemas)
    throw new Error(
      `the schemas must be made, but the role ${role} may not do that in this database. ` +
        'Run it as the owner of the database, or grant that role: create on database',
    );
}
