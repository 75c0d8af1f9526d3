import { createHash } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Account, runAs, serverAccount } from './account.ts';
import type { Binaries } from './binaries.ts';
import { canEnter, copyBinaries, makeOpenFolder, runProblem } from './reachable.ts';

/** The places of Postgres's programs and data, and the account that runs it (undefined: ours). */
export type Place = {
  readonly binaries: string;
  readonly version: string;
  readonly data: string;
  readonly account: Account | undefined;
};

/**
 * For root with a checkout that only root may enter, such as one under /root: the account of Postgres can
 * reach neither node_modules nor the checkout. Everything that it needs is kept in a folder in here.
 */
const OUTSIDE = '/var/lib/errand';

/**
 * Decides where Postgres runs for a directory, which is created if it is missing. Files that must be copied
 * are copied. `<directory>/postgres` always leads to the data: it is their folder or a symbolic link to it.
 * Throws if the binaries cannot run, or if the link leads to the data of another checkout.
 */
export async function choosePlace(
  directory: string,
  installed: Binaries,
  log: (line: string) => void,
): Promise<Place> {
  await mkdir(directory, { recursive: true });
  const own = await realpath(directory);
  const account = await serverAccount(join(own, 'postgres'));
  if (account === undefined) {
    const problem = await runProblem(undefined, installed.directory);
    if (problem !== null) throw unusable(problem);
    const data = join(own, 'postgres');
    return { binaries: installed.directory, version: installed.version, data: await followed(data), account };
  }
  // The account must be able to enter the folder despite a strict umask. The folder contains no secrets; that
  // of the data is closed.
  await chmod(own, (await stat(own)).mode | 0o011);
  const outside = join(OUTSIDE, createHash('sha256').update(own).digest('hex').slice(0, 16));
  const binaries = await reachableBinaries(installed, account, outside);
  const data = await reachableData(own, account, outside, log);
  return { binaries, version: installed.version, data, account };
}

async function reachableBinaries(installed: Binaries, account: Account, outside: string): Promise<string> {
  if ((await runProblem(account, installed.directory)) === null) return installed.directory;
  await makeOutside(outside);
  const copy = await copyBinaries(installed, outside);
  const problem = await runProblem(account, copy);
  if (problem !== null) throw unusable(`as the account ${account.name}: ${problem}`);
  return copy;
}

async function reachableData(
  own: string,
  account: Account,
  outside: string,
  log: (line: string) => void,
): Promise<string> {
  const here = join(own, 'postgres');
  const found = await lstat(here).catch(() => undefined);
  if (found?.isSymbolicLink()) return linkedData(own, here);
  if (found?.uid === 0) await giveTo(account, here);
  if (await canEnter(account, own)) return here;
  const data = join(outside, 'data');
  await makeOutside(outside);
  await writeFile(join(outside, 'checkout'), own);
  if (found !== undefined) await moveOut(here, data);
  await symlink(data, here);
  log(`Only root may enter ${own}, but Postgres refuses to run as root. Its data are in ${data}.`);
  return data;
}

/**
 * The data that the link of an earlier start names. A moved checkout keeps its data; a copied one must not
 * share them.
 */
async function linkedData(own: string, link: string): Promise<string> {
  const data = await readlink(link);
  const owner = join(dirname(data), 'checkout');
  const checkout = await readFile(owner, 'utf8').catch(() => own);
  if (checkout !== own && (await readlink(join(checkout, 'postgres')).catch(() => '')) === data) {
    throw new Error(
      `${link} leads to ${data}, the data of ${checkout}. Two checkouts cannot share data. ` +
        `Remove ${link} to start with an empty database.`,
    );
  }
  await makeOutside(dirname(data));
  await writeFile(owner, own);
  return data;
}

/**
 * Copies the data, and syncs the copy before it gets its final name. If this is interrupted, the data are
 * complete in one of the two places.
 */
async function moveOut(here: string, data: string): Promise<void> {
  await rename(data, `${data}.old-${Date.now()}`).catch(() => undefined);
  const unfinished = `${data}.moving`;
  await rm(unfinished, { recursive: true, force: true });
  const { ok, output } = await runAs(undefined, 'cp', ['-a', here, unfinished]);
  if (!ok) throw new Error(`Cannot copy ${here} to ${unfinished}: ${output}`);
  await runAs(undefined, 'sync', []);
  await rename(unfinished, data);
  await rename(here, `${here}.moved`);
  await rm(`${here}.moved`, { recursive: true });
}

/** Changes the owner of data that belong to root after a copy or a `chown -R`. Postgres must own them. */
async function giveTo(account: Account, data: string): Promise<void> {
  await runAs(undefined, 'chown', ['-R', `${account.uid}:${account.gid}`, data]);
  await chmod(data, 0o700);
}

async function makeOutside(outside: string): Promise<void> {
  await makeOpenFolder(OUTSIDE);
  await makeOpenFolder(outside);
}

function unusable(problem: string): Error {
  return new Error(
    `The embedded Postgres cannot run here (${problem}). Set DATABASE_URL to a Postgres 14 or newer instead.`,
  );
}

/** The real path. The folder need not exist yet. */
function followed(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
