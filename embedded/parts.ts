import { spawn } from 'node:child_process';
import { ConfigError } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Claim, claimFile } from './claim.ts';
import { keepRunning } from './keep.ts';
import { type Postgres, startPostgres } from './postgres.ts';

// Parts that `errand start` and `errand dev` share.

const DIRECTORY = '.errand';
/**
 * The time that a child may take after its running work has ended: the runner writes its last outcomes, at
 * most 15 s.
 */
const LEEWAY_MS = 20_000;

/** How long a child may take to stop, in milliseconds. */
export function graceOf(config: Config): number {
  const { DRAIN_DELAY_SECS, SHUTDOWN_TIMEOUT_SECS, ABORT_GRACE_SECS } = config;
  return (DRAIN_DELAY_SECS + SHUTDOWN_TIMEOUT_SECS + ABORT_GRACE_SECS) * 1_000 + LEEWAY_MS;
}

/** Makes this process the only one that runs everything from this folder. Throws if there is another. */
export function claimStart(): Claim {
  return claimFile(`${DIRECTORY}/start.pid`);
}

/**
 * Starts the embedded Postgres and restarts it when it ends. Gives the function that stops it. With `isLeashed`
 * it also ends if this process is killed.
 */
export async function keepPostgres(
  config: Config,
  say: (line: string) => void,
  isLeashed = false,
): Promise<() => Promise<void>> {
  const port = config.EMBEDDED_POSTGRES_PORT;
  const start = async (): Promise<Postgres> => {
    const postgres = await startPostgres({ directory: DIRECTORY, port, log: say });
    if (isLeashed) leash(postgres);
    return postgres;
  };
  const kept = keepRunning('Postgres', await start(), start, say);
  return () => kept.stop((postgres) => postgres.stop());
}

/** A shell that waits for the end of this process, and then asks Postgres for a fast shutdown. */
function leash({ pid, exited }: Postgres): void {
  const shell = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.unref();
  // Another process may get its pid.
  void exited.then(() => shell.kill('SIGKILL'));
}

/**
 * Our own errors and those of the system have a sufficient message. Other errors are bugs, so the stack is
 * shown.
 */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'Error' || error instanceof ConfigError
    ? error.message
    : (error.stack ?? error.message);
}
