import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The polling interval for the end of a process that is not our child, because there is no notification. */
const GONE_POLL_MS = 20;

/**
 * Whether a process with this pid is running. A zombie does not count: in a container whose first process
 * does not reap children, a killed program stays a zombie for ever.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const state = statFields(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/**
 * A text for the start of a process that differs from that of every other process with the same pid, even
 * after a reboot. Empty if the system does not provide it. Only for comparisons.
 */
export function startMark(pid: number): string {
  const ticks = statFields(pid)?.[19];
  if (ticks !== undefined) return `${readText('/proc/sys/kernel/random/boot_id').trim()} ${ticks}`;
  return ps(pid, 'lstart');
}

/** The program and the arguments of a process; empty if the system does not provide them. */
export function commandLine(pid: number): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || ps(pid, 'command');
}

/**
 * The working directory of a process; empty if the system does not provide it. Only Linux does, for its owner
 * and root.
 */
export function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Waits until a process has ended, at most `withinMs`. Gives whether it has. */
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
