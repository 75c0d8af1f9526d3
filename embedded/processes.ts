import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a process that is not our child is asked whether it is gone; nothing tells us. */
const GONE_POLL_MS = 20;

/**
 * Whether a process with this pid runs. A zombie does not count: in a container whose first process reaps
 * nobody, a killed program stays one for ever.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const state = statFields(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/**
 * When a process was started, as a text that no other process with the same pid has, not even after a reboot.
 * '' when the system doesn't tell. Only for comparing.
 */
export function startMark(pid: number): string {
  const ticks = statFields(pid)?.[19];
  if (ticks !== undefined) return `${readText('/proc/sys/kernel/random/boot_id').trim()} ${ticks}`;
  return ps(pid, 'lstart');
}

/** The program and the arguments of a process, or '' when the system doesn't tell. */
export function commandLine(pid: number): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || ps(pid, 'command');
}

/** The folder that a process works in, or '' when the system doesn't tell (only Linux does, to its owner and root). */
export function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Waits until a process is gone, `withinMs` at most. Gives whether it is. */
export async function waitUntilGone(pid: number, withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs;
  while (isAlive(pid)) {
    if (Date.now() > until) return false;
    await sleep(GONE_POLL_MS);
  }
  return true;
}

/** The fields of /proc/<pid>/stat from the third (the state) on; the second may contain spaces. */
function statFields(pid: number): string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function ps(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return '';
  }
}
