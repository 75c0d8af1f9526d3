import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import { portProblem } from './ports.ts';

/** When the last start was killed, its API and runner need a moment to notice and to leave their ports. */
const LEAVING_WITHIN_MS = 10_000;
const LEAVING_POLL_MS = 100;

/**
 * Makes sure that the API and the runner will get their ports; when the last start was killed, they are waited for.
 * Found out by a child, it would be told less clearly, and after all the rest was started.
 * Throws an Error that names the port and the variable that sets it.
 */
export async function requirePorts(config: Config, lastWasKilled: boolean, stop: AbortSignal): Promise<void> {
  const withinMs = lastWasKilled ? LEAVING_WITHIN_MS : 0;
  await requirePort(config, 'SERVER_PORT', withinMs, stop);
  await requirePort(config, 'RUNNER_PORT', withinMs, stop);
}

async function requirePort(
  config: Config,
  variable: 'SERVER_PORT' | 'RUNNER_PORT',
  withinMs: number,
  stop: AbortSignal,
): Promise<void> {
  const port = config[variable];
  if (port === undefined) return;
  const until = performance.now() + withinMs;
  let problem = await portProblem(config.SERVER_HOST, port);
  while (problem === 'EADDRINUSE' && performance.now() < until) {
    await sleep(LEAVING_POLL_MS, undefined, { signal: stop });
    problem = await portProblem(config.SERVER_HOST, port);
  }
  if (problem === null) return;
  if (problem === 'EADDRINUSE') {
    throw new Error(`Port ${port} is in use by another program; stop it or set ${variable}.`);
  }
  throw new Error(
    `Can't listen on ${config.SERVER_HOST}:${port} (${problem}); set SERVER_HOST or ${variable}.`,
  );
}
