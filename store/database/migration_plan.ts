import type { Pool } from 'pg';
import {
  inOrder,
  type MigrationFile,
  type MigrationFiles,
  NATIVE_SINCE,
  readMigrationFiles,
} from './migration_files.ts';
import { type Applied, compare, isOfOtherServer, readApplied } from './migrations_table.ts';
import type { Database } from './pool.ts';
import { type Schemas, schemasOf } from './schemas.ts';
import { readServer } from './server.ts';
import { newestWorkerRevision, workerRevision } from './worker_schema.ts';

/** The state of a database: the revision of graphile-worker's schema, and our applied files. */
type Found = { version: number; revision: number | null; applied: Applied };

/** The work of a migration in a database. */
export type MigrationPlan = {
  /** The revisions of graphile-worker's schema before and after; null if it is the newest one. */
  worker: { from: number | null; to: number | null } | null;
  /** Whether the table of applied files has to be made first. */
  makesTable: boolean;
  /** The files to apply, in order. Each list is one transaction. */
  transactions: MigrationFile[][];
  /** Files of a newer Errand: this one does not have them, or has an older text. */
  unknown: string[];
  /** Whether the database works as it is, too: all files are functions that are only better for this server. */
  isOptional: boolean;
};

/**
 * Compares the database with `migrations/`, and changes nothing. Throws if this role may not read, if
 * the schemas belong to another application, or if the database was made before the first release.
 */
export async function planMigration(pool: Pool): Promise<MigrationPlan> {
  const schemas = schemasOf(pool.options);
  const found = await read(pool, schemas).catch((error: unknown) => {
    throw isForbidden(error) ? mayNotRead(error) : error;
  });
  const { version, revision, applied } = found;
  const [files, newest] = await Promise.all([readMigrationFiles(version), newestWorkerRevision()]);
  const { pending, unknown } = compare(files, applied, schemas);
  const isWorkerCurrent = newest !== null && revision !== null && revision >= newest;
  return {
    worker: isWorkerCurrent ? null : { from: revision, to: newest },
    makesTable: applied === null,
    transactions: transactionsOf(pending),
    unknown,
    isOptional: isWorkerCurrent && worksAsItIs(pending, found),
  };
}

/**
 * Groups files into transactions. The functions are applied with the last step of the tables: if
 * that step drops a function to change its arguments, callers find either the old one or the new
 * one.
 */
function transactionsOf({ tables, functions }: MigrationFiles): MigrationFile[][] {
  const texts = [...functions.values()];
  if (tables.length === 0) return texts.length === 0 ? [] : [inOrder(texts, functions)];
  return tables.map((file, index) =>
    inOrder(index === tables.length - 1 ? [file, ...texts] : [file], functions),
  );
}

/**
 * Whether all pending files are functions of this server in place of those that stood in for them.
 */
function worksAsItIs({ tables, functions }: MigrationFiles, { version, applied }: Found): boolean {
  const areInPlace = [...functions.values()].every((file) => isOfOtherServer(file, applied));
  return version >= NATIVE_SINCE && tables.length === 0 && areInPlace;
}

async function read(database: Database, schemas: Schemas): Promise<Found> {
  const { versionNumber: version } = await readServer(database);
  const applied = await readApplied(database, schemas);
  return { version, revision: await workerRevision(database), applied };
}

/** Whether Postgres refused a statement because this role lacks a right. */
export function isForbidden(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === '42501') || isForbidden(error.cause);
}

function mayNotRead(error: unknown): Error {
  return new Error(
    `this role may not read errand.migrations: ${String(error)}. ` +
      'Let an administrator run `npm run roles`, which grants the rights that it needs',
    { cause: error },
  );
}
