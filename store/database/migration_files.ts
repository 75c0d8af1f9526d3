import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');
const FUNCTIONS = 'functions';
/** Beside them: what stands in for some of them on servers that lack what those use. */
const BEFORE_18 = `${FUNCTIONS}/before_18`;
/** The `server_version_num` from which on a server lacks nothing. */
export const NATIVE_SINCE = 180_000;

/** A file of `migrations/`: a step of the tables, or the current text of a function. */
export type MigrationFile = {
  /** `0001_tasks.sql`, or `functions/submit.sql`. */
  name: string;
  sql: string;
  /** SHA-256 of the text, in hex. */
  hash: string;
  /** Of a function that has another text for other servers: the hash of that one. */
  elsewhere?: string | undefined;
};

export type MigrationFiles = {
  /** In order. Each is applied once. */
  tables: MigrationFile[];
  /** By the name of the function, without its schema. Each is applied whenever its text is new. */
  functions: ReadonlyMap<string, MigrationFile>;
};

/**
 * Reads `migrations/` for a server of this version (`server_version_num`): the steps of the tables by
 * their numbers, and the functions.
 */
export async function readMigrationFiles(serverVersion: number): Promise<MigrationFiles> {
  // schema.sql in the same folder is for readers.
  const steps = (await readdir(MIGRATIONS)).filter((name) => /^\d{4}_/.test(name));
  const [tables, native, before18] = await Promise.all([
    readFiles(steps),
    readFunctions(FUNCTIONS),
    readFunctions(BEFORE_18),
  ]);
  const functions = new Map(native);
  for (const [name, file] of before18) {
    const newer = native.get(name);
    if (newer === undefined) throw new Error(`${file.name} stands in for a function that has no file`);
    // Both have the name of the newer one: they are texts of one function.
    functions.set(
      name,
      serverVersion < NATIVE_SINCE
        ? { ...file, name: newer.name, elsewhere: newer.hash }
        : { ...newer, elsewhere: file.hash },
    );
  }
  return { tables, functions };
}

async function readFunctions(folder: string): Promise<Map<string, MigrationFile>> {
  const names = (await readdir(join(MIGRATIONS, folder))).filter((name) => name.endsWith('.sql'));
  const files = await readFiles(names.map((name) => `${folder}/${name}`));
  return new Map(files.map((file) => [basename(file.name, '.sql'), file]));
}

function readFiles(names: readonly string[]): Promise<MigrationFile[]> {
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(join(MIGRATIONS, name), 'utf8');
      return { name, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/**
 * Orders files so that each comes after the functions that Postgres needs to apply it: those that a
 * table uses, and those that an unquoted function body calls. Postgres does not look into a quoted
 * body before it runs.
 */
export function inOrder(
  files: readonly MigrationFile[],
  functions: MigrationFiles['functions'],
): MigrationFile[] {
  const seen = new Set<MigrationFile>();
  const ordered: MigrationFile[] = [];
  const add = (file: MigrationFile): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of calledByText(file.sql)) {
      const needed = functions.get(name);
      if (needed !== undefined) add(needed);
    }
    ordered.push(file);
  };
  for (const file of files) add(file);
  return ordered;
}

function calledByText(sql: string): string[] {
  const looked = sql
    .replaceAll(/--.*/g, '')
    .replaceAll(/\bas \$\$.*?\$\$;/gs, '')
    // A step does not need the functions that it drops.
    .replaceAll(/\bdrop function[^;]*;/g, '');
  return [...looked.matchAll(/\berrand\.(\w+)\s*\(/g)].map(([, name = '']) => name);
}
