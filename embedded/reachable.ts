import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, runAs } from './account.ts';
import type { Binaries } from './binaries.ts';

const READABLE = 0o444;
const SEARCHABLE = 0o111;

/** Whether an account may enter a folder. Tried out: modes alone don't tell (parents, ACLs, mounts). */
export async function canEnter(account: Account, directory: string): Promise<boolean> {
  return (await runAs(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory])).ok;
}

/** What is wrong when an account (undefined: we) runs these binaries, or null when they run. */
export async function runProblem(account: Account | undefined, directory: string): Promise<string | null> {
  const { ok, output } = await runAs(account, join(directory, 'bin', 'postgres'), ['--version']);
  return ok ? null : output;
}

/** Makes a folder that every account may enter, whatever our umask says. */
export async function makeOpenFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o755);
}

/**
 * Copies binaries into a folder, readable for all, unless this version is there already; other versions are
 * removed. Gives the folder of the copy. An interrupted copy is never taken for a whole one.
 */
export async function copyBinaries(installed: Binaries, into: string): Promise<string> {
  const name = `binaries-${installed.version}`;
  const copy = join(into, name);
  for (const other of await readdir(into)) {
    if (other.startsWith('binaries-') && other !== name) await rm(join(into, other), { recursive: true });
  }
  if (await stat(copy).catch(() => undefined)) return copy;
  const unfinished = await mkdtemp(`${copy}.new-`);
  await cp(installed.directory, unfinished, { recursive: true, verbatimSymlinks: true });
  await chmod(unfinished, READABLE | SEARCHABLE);
  for (const entry of await readdir(unfinished, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await openToAll(join(entry.parentPath, entry.name));
  }
  await rename(unfinished, copy);
  return copy;
}

/** Like `chmod a+rX`: npm's files are for their owner alone when root has a strict umask. */
async function openToAll(path: string): Promise<void> {
  const { mode } = await stat(path);
  const executable = (mode & 0o100) !== 0;
  await chmod(path, (mode & 0o777) | READABLE | (executable ? SEARCHABLE : 0));
}
