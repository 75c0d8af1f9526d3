import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const isRoot = process.getuid?.() === 0;
/** The account `nobody`, by which root tries what an ordinary user can. */
export const NOBODY = { uid: 65_534, gid: 65_534 };

/** A temporary folder of this mode, under its real path. */
export function scratchFolder(mode: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'errand-'));
  chmodSync(folder, mode);
  return folder;
}

/** Removes a scratch folder, and what root keeps outside of the given directories in it. */
export function removeScratch(folder: string, ...directories: string[]): void {
  for (const directory of directories) {
    try {
      rmSync(dirname(readlinkSync(join(directory, 'postgres'))), { recursive: true, force: true });
    } catch {
      // No link: all of it is in the folder.
    }
  }
  rmSync(folder, { recursive: true, force: true });
}

/** The processes, as `pid command`, that have this path in their command line or work below it. Linux only. */
export function processesIn(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => ({ pid, command: commandOf(pid), folder: folderOf(pid) }))
    .filter(({ command, folder }) => command.includes(path) || `${folder}/`.startsWith(`${path}/`))
    .map(({ pid, command }) => `${pid} ${command}`);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function folderOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
