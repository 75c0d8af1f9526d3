import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, isAlive, waitUntilGone, workingDirectory } from './processes.ts';

/** A fast shutdown writes a checkpoint. With 128 MB of buffers on a slow disk this takes a while. */
const FAST_SHUTDOWN_MS = 30_000;
/** After SIGQUIT the server gives its processes 5 s before it kills them. */
const IMMEDIATE_SHUTDOWN_MS = 10_000;

/**
 * Cleans up the data directory after an earlier Postgres: a server that still runs is stopped, and a
 * postmaster.pid whose pid now belongs to another program is removed. Logs its actions. Throws if the old
 * server cannot be stopped.
 */
export async function clearLeftover(data: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  if (pid > 0 && !isAlive(pid)) {
    // The file stays. Postgres replaces it after checking that no process of the old server is left.
    log('The embedded Postgres was not shut down properly last time. It recovers from its log.');
    return;
  }
  if (!(pid > 0 && isServerOf(pid, data))) {
    log(
      `${pidFile} does not belong to a running Postgres of Errand (process ${pid} is another program). It is removed.`,
    );
    await rm(pidFile, { force: true });
    return;
  }
  log(
    `A Postgres of an earlier start is still running on ${data} (process ${pid}). It is stopped and started again.`,
  );
  await stopServer(pid);
}

/**
 * Stops a Postgres server: by a fast shutdown and, if that takes too long, by an immediate one (nothing is
 * lost, the next start recovers). Resolves when its process has ended. Throws if it does not end.
 */
export async function stopServer(pid: number): Promise<void> {
  for (const [signal, withinMs] of [
    ['SIGINT', FAST_SHUTDOWN_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_MS],
  ] as const) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    if (await waitUntilGone(pid, withinMs)) return;
  }
  throw new Error(`Postgres (process ${pid}) could not be stopped: stop it by hand, then start again.`);
}

function isServerOf(pid: number, data: string): boolean {
  const command = commandLine(pid);
  if (!command.includes('postgres')) return false;
  return workingDirectory(pid) === data || command.includes(`-D ${data} `);
}
