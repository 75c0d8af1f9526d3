import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, runAs } from './account.ts';
import type { Binaries } from './binaries.ts';

const READABLE = 0o444;
const SEARCHABLE = 0o111;

/**
 * Whether an account may enter a folder. It is tried out, because permission bits alone do not show it
 * (parents, ACLs, mounts).
 */
export async function canEnter(account: Account, directory: string): Promise<boolean> {
  return (await runAs(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory])).ok;
}

/** The problem if an account (undefined: ours) runs these binaries, or null if they run. */
export async function runProblem(account: Account | undefined, directory: string): Promise<string | null> {
  const { ok, output } = await runAs(account, join(directory, 'bin', 'postgres'), ['--version']);
  return ok ? null : output;
}

/** Creates a folder that every account may enter, whatever the umask is. */
export async function makeOpenFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o755);
}

/**
 * Copies binaries into a folder, readable for everybody, unless this version is already there. Other versions
 * are removed. Gives the folder of the copy. An interrupted copy is never taken for a complete one.
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

/** Like `chmod a+rX`. If root has a strict umask, only root can read the files of npm. */
async function openToAll(path: string): Promise<void> {
  const { mode } = await stat(path);
  const executable = (mode & 0o100) !== 0;
  await chmod(path, (mode & 0o777) | READABLE | (executable ? SEARCHABLE : 0));
}
