import { readdir, readFile } from 'node:fs/promises';

/** Linux counts CPU time in ticks. */
const TICKS_PER_SECOND = 100;

/** CPU seconds that processes have used so far, user and system. Ended processes count 0. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const used = await Promise.all(pids.map(async (pid) => (await readStat(pid))?.ownSeconds ?? 0));
  return used.reduce((sum, seconds) => sum + seconds, 0);
}

/**
 * CPU seconds that a process and its children, including ended ones, have used so far: for a
 * Postgres server.
 */
export async function cpuSecondsOfTree(pid: number): Promise<number> {
  const root = await readStat(pid);
  const others = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(others.map(readStat));
  const children = stats.filter((stat) => stat?.parent === pid);
  return [
    root?.ownSeconds,
    root?.endedChildrenSeconds,
    ...children.map((stat) => stat?.ownSeconds),
  ].reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0);
}

type Stat = { parent: number; ownSeconds: number; endedChildrenSeconds: number };

/**
 * See proc_pid_stat(5). The name may hold any character, so fields are counted after its closing
 * parenthesis.
 */
async function readStat(pid: number): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const seconds = (from: number): number =>
    ((fields[from] ?? 0) + (fields[from + 1] ?? 0)) / TICKS_PER_SECOND;
  return { parent: fields[1] ?? 0, ownSeconds: seconds(11), endedChildrenSeconds: seconds(13) };
}
