import type { MigrationFile, MigrationFiles } from './migration_files.ts';
import { isErrandIn, tooOld } from './ownership.ts';
import type { Database } from './pool.ts';
import type { Schemas } from './schemas.ts';

/**
 * The hashes of the applied texts of each file, the last one at the end; null if there is no such
 * table yet.
 */
export type Applied = ReadonlyMap<string, readonly string[]> | null;

/**
 * One row for each applied text of a file. A function has several. By its earlier texts a process
 * of an older version knows that its own text is not new.
 */
export const MIGRATIONS_TABLE_SQL = `
  create schema if not exists errand;
  create table errand.migrations (
    file        text not null,
    -- SHA-256 of the text, in hex.
    hash        text not null,
    applied_at  timestamptz not null default now(),
    primary key (file, hash)
  )`;

/** Makes the table of applied files. */
export async function makeMigrationsTable(database: Database): Promise<void> {
  await database.query(MIGRATIONS_TABLE_SQL);
}

/** Records that a text was applied. Call it in the same transaction. */
export async function recordApplied(database: Database, { name, hash }: MigrationFile): Promise<void> {
  await database.query(
    `insert into errand.migrations (file, hash) values ($1, $2)
     on conflict (file, hash) do update set applied_at = excluded.applied_at`,
    [name, hash],
  );
}

/**
 * Reads the applied files. Throws if these schemas are not this Errand's, see isErrandIn; changes
 * nothing.
 */
export async function readApplied(database: Database, schemas: Schemas): Promise<Applied> {
  if (!(await isErrandIn(database, schemas))) return null;
  const { rows } = await database.query<{ file: string; hashes: string[] }>(
    'select file, array_agg(hash order by applied_at) as hashes from errand.migrations group by file',
  );
  return new Map(rows.map(({ file, hashes }) => [file, hashes]));
}

/**
 * Compares our files with the applied ones. A step of the tables is pending if it was never
 * applied. A function is pending if its text was never applied: if it was applied but is not the
 * last text, this Errand is older than the one that was here since. `unknown` lists the files of a
 * newer Errand. If the last text of a function is ours for other servers, the database has moved to
 * this one, and the function is pending too. Throws if the text of an applied step has changed.
 */
export function compare(
  { tables, functions }: MigrationFiles,
  applied: Applied,
  schemas: Schemas,
): { pending: MigrationFiles; unknown: string[] } {
  const hashesOf = ({ name }: MigrationFile): readonly string[] => applied?.get(name) ?? [];
  const changed = tables.find((file) => hashesOf(file).length > 0 && isPending(file, applied));
  if (changed !== undefined)
    throw tooOld(
      `${changed.name} had another text when it was applied, and a migration is applied only once`,
      schemas,
    );
  const ours = new Set([...tables, ...functions.values()].map(({ name }) => name));
  const foreign = [...(applied?.keys() ?? [])].filter((name) => !ours.has(name));
  const isNewer = foreign.some((name) => !name.includes('/'));
  const overtaken = [...functions.values()].filter(
    (file) =>
      hashesOf(file).length > 0 &&
      !isOfOtherServer(file, applied) &&
      (isPending(file, applied) ? isNewer : hashesOf(file).at(-1) !== file.hash),
  );
  return {
    pending: {
      tables: tables.filter((file) => isPending(file, applied)),
      functions: new Map(
        [...functions].filter(([, file]) => isPending(file, applied) && !overtaken.includes(file)),
      ),
    },
    unknown: [...foreign, ...overtaken.map(({ name }) => name)].sort(),
  };
}

/** Whether a file must be applied, by its own rows. */
export function isPending(file: MigrationFile, applied: Applied): boolean {
  return applied?.get(file.name)?.includes(file.hash) !== true || isOfOtherServer(file, applied);
}

/**
 * Whether the database has the text of this function that is for other servers: it has moved to this
 * one.
 */
export function isOfOtherServer({ name, elsewhere }: MigrationFile, applied: Applied): boolean {
  return elsewhere !== undefined && applied?.get(name)?.at(-1) === elsewhere;
}
