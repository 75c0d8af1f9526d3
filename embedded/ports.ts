import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiListening, runnerListening } from '../config/listening.ts';
import type { Config } from '../config/schema.ts';

/** Why no server can listen there: the code of the system error, such as EADDRINUSE. Null if it is free. */
export function portProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

/** A port that is free on this address now. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port: 0 }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** After the last start was killed, its API and runner need a moment to notice it and to free their ports. */
const LEAVING_WITHIN_MS = 10_000;
const LEAVING_POLL_MS = 100;

/**
 * Checks that the ports of the API and the runner are free. If the last start was killed, waits for them. A
 * child would report a busy port less clearly, and only after everything else was started. Throws an Error
 * that names the port and the variable that sets it.
 */
export async function requirePorts(config: Config, lastWasKilled: boolean, stop: AbortSignal): Promise<void> {
  const withinMs = lastWasKilled ? LEAVING_WITHIN_MS : 0;
  await requirePort(apiListening(config).host, config, 'SERVER_PORT', withinMs, stop);
  await requirePort(runnerListening(config).host, config, 'RUNNER_PORT', withinMs, stop);
}

async function requirePort(
  host: string,
  config: Config,
  variable: 'SERVER_PORT' | 'RUNNER_PORT',
  withinMs: number,
  stop: AbortSignal,
): Promise<void> {
  const port = config[variable];
  if (port === undefined) return;
  const until = performance.now() + withinMs;
  let problem = await portProblem(host, port);
  while (problem === 'EADDRINUSE' && performance.now() < until) {
    await sleep(LEAVING_POLL_MS, undefined, { signal: stop });
    problem = await portProblem(host, port);
  }
  if (problem === null) return;
  if (problem === 'EADDRINUSE') {
    throw new Error(`Port ${port} is in use by another program. Stop it, or set ${variable}.`);
  }
  throw new Error(`Cannot listen on ${host}:${port} (${problem}). Set SERVER_HOST or ${variable}.`);
}
