import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, isAlive, waitUntilGone, workingDirectory } from './processes.ts';

/** A fast shutdown writes a checkpoint; with 128 MB of buffers on a slow disk that takes a while. */
const FAST_SHUTDOWN_MS = 30_000;
/** On SIGQUIT the server gives its own processes 5 s before it kills them. */
const IMMEDIATE_SHUTDOWN_MS = 10_000;

/**
 * Deals with what an earlier Postgres left in its data directory: a server that still runs is stopped, a
 * postmaster.pid whose process is now another program is removed. Says what it does.
 * Throws when the old server can't be stopped.
 */
export async function clearLeftover(data: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  if (pid > 0 && !isAlive(pid)) {
    // The file stays: Postgres takes it over, after it has made sure that no process of that server is left.
    log('The embedded Postgres was not shut down the last time; it recovers from its log.');
    return;
  }
  if (!(pid > 0 && isServerOf(pid, data))) {
    log(`${pidFile} names no Postgres of ours (process ${pid} is another program): removed.`);
    await rm(pidFile, { force: true });
    return;
  }
  log(
    `A Postgres of an earlier start still runs on ${data} (process ${pid}); it is stopped and started anew.`,
  );
  await stopServer(pid);
}

/**
 * Stops a Postgres server: fast shutdown, and an immediate one when that takes too long (nothing is lost,
 * the next start recovers). Resolves when its process is gone; throws when it does not go.
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
  throw new Error(`Postgres (process ${pid}) could not be stopped.`);
}

function isServerOf(pid: number, data: string): boolean {
  const command = commandLine(pid);
  if (!command.includes('postgres')) return false;
  return workingDirectory(pid) === data || command.includes(`-D ${data} `);
}
