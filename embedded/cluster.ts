import { chown, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runAs } from './account.ts';
import type { Place } from './place.ts';

/** The superuser of the embedded Postgres and its password; it listens on loopback only. */
export const USER = 'errand';
export const PASSWORD = 'errand';

/**
 * Creates the data of a place with initdb, unless they exist. They get their final name only when they are
 * complete: an interrupted initdb leaves another name, which is removed here. `durable`: whether they must
 * survive a power cut. Gives whether they are new. Throws if they belong to another major version of
 * Postgres, are not data of Postgres, or are not readable.
 */
export async function ensureCluster(place: Place, durable: boolean): Promise<boolean> {
  await removeUnfinished(place.data);
  const found = await contents(place.data);
  if (found.length > 0) {
    await checkVersion(place);
    return false;
  }
  const unfinished = await mkdtemp(`${place.data}.new-`);
  const passwordFile = join(unfinished, 'password');
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  if (place.account !== undefined) {
    const { uid, gid } = place.account;
    await Promise.all([unfinished, passwordFile].map((path) => chown(path, uid, gid)));
  }
  const cluster = join(unfinished, 'cluster');
  const { ok, output } = await runAs(place.account, join(place.binaries, 'bin', 'initdb'), [
    ...['--pgdata', cluster, '--username', USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
    ...['--encoding', 'UTF8', ...localeOf(place)],
    ...(durable ? [] : ['--no-sync']),
  ]);
  if (ok) await rename(cluster, place.data);
  await rm(unfinished, { recursive: true, force: true });
  if (!ok)
    throw new Error(`initdb could not create the data of the embedded Postgres in ${place.data}:\n${output}`);
  if (durable) await syncFolder(dirname(place.data));
  return true;
}

/** From 17 on Postgres's own locale: the data do not depend on the locale of the machine and its upgrades. */
function localeOf({ version }: Place): string[] {
  return Number.parseInt(version, 10) < 17
    ? ['--locale', 'C.UTF-8']
    : ['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'];
}

async function checkVersion(place: Place): Promise<void> {
  const made = (await readFile(join(place.data, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  const ours = place.version.split('.')[0] ?? '';
  if (made === ours) return;
  if (made === '') {
    throw new Error(
      `${place.data} is not empty, but contains no Postgres data. Move the folder away and start again with an empty database.`,
    );
  }
  throw new Error(
    `The data in ${place.data} were created by Postgres ${made}, and Postgres ${ours} cannot read them. ` +
      `To keep them, dump them with a Postgres ${made} (pg_dumpall) and load them into the new one (psql). ` +
      'To start with an empty database, move that folder away.',
  );
}

async function contents(data: string): Promise<string[]> {
  try {
    return await readdir(data);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return [];
    if (code !== 'EACCES') throw error;
    throw new Error(
      `The data in ${data} belong to another account: an earlier start ran as root or as another user. ` +
        'Start Errand as that user again, or move the folder away to start with an empty database.',
    );
  }
}

async function removeUnfinished(data: string): Promise<void> {
  const folder = dirname(data);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(data)}.new-`)) continue;
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Makes a rename in this folder survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
