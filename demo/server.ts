import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Config } from '../config/schema.ts';

const ROOT = join(import.meta.dirname, '..');
const PROBE_WITHIN_MS = 5_000;
/** The first start also unpacks and initializes a Postgres. */
const UP_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 60_000;
const POLL_MS = 50;
/** How much output of a start is kept, to show it if the start fails. */
const KEPT_CHARACTERS = 10_000;

/** The API for the demo. `leave` stops it if the demo started it. */
export type Server = { url: string; startedHere: boolean; leave(): Promise<void> };

/**
 * Finds the API at ERRAND_URL. Without that variable it tries SERVER_PORT on this machine; if
 * nothing answers there, it starts everything. Throws an Error that says where it looked and what
 * to do.
 */
export async function findOrStart(
  config: Pick<Config, 'ERRAND_URL' | 'SERVER_PORT'>,
  signal: AbortSignal,
): Promise<Server> {
  const url = config.ERRAND_URL?.replace(/\/+$/, '') ?? `http://localhost:${config.SERVER_PORT}`;
  const found = await probe(url);
  if (found === 'api') {
    await untilReady(url, signal);
    return { url, startedHere: false, leave: async () => {} };
  }
  if (found === 'other') {
    throw new Error(
      `The server at ${url} is not Errand's API: set ERRAND_URL, or SERVER_PORT for another port`,
    );
  }
  if (config.ERRAND_URL !== undefined) {
    throw new Error(
      `No API answers at ${url} (ERRAND_URL): start one with \`npm start\`, or unset ERRAND_URL to let the demo start its own`,
    );
  }
  console.log(`No API answers at ${url}, so the demo starts one, with Postgres and a runner.`);
  return start(signal);
}

const healthSchema = z.object({ process: z.literal('api') });

/** Finds out what answers at a URL. */
async function probe(url: string): Promise<'api' | 'other' | 'nothing'> {
  const signal = AbortSignal.timeout(PROBE_WITHIN_MS);
  const response = await fetch(`${url}/health`, { signal }).catch(() => undefined);
  if (response === undefined) return 'nothing';
  const body: unknown = await response.json().catch(() => undefined);
  return healthSchema.safeParse(body).success ? 'api' : 'other';
}

/**
 * Starts the same as `npm start`, in its own process group: so Ctrl-C reaches only the demo, which
 * then stops it.
 */
async function start(signal: AbortSignal): Promise<Server> {
  const child = spawn(process.execPath, [join(ROOT, 'embedded', 'start.ts')], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_CHARACTERS);
    });
  }
  const leave = (): Promise<void> => stop(child, ended);
  try {
    const { api, runner } = await untilUp(child, () => output, signal);
    await Promise.all([untilReady(api, signal), untilReady(runner, signal)]);
    return { url: api, startedHere: true, leave };
  } catch (error) {
    await leave();
    signal.throwIfAborted();
    throw new Error(`${String(error)}\nOutput of the start:\n${output}`);
  }
}

/** Waits until the start reports the URLs of its API and its runner. */
async function untilUp(
  child: ChildProcess,
  output: () => string,
  signal: AbortSignal,
): Promise<{ api: string; runner: string }> {
  const deadline = performance.now() + UP_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const [, api] = /^ +API +(http\S+)$/m.exec(output()) ?? [];
    const [, runner] = /^ +Runner +(http\S+)$/m.exec(output()) ?? [];
    if (api !== undefined && runner !== undefined) return { api, runner };
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`Errand did not start within ${UP_WITHIN_MS / 1_000} s.`);
}

async function untilReady(url: string, stopping: AbortSignal): Promise<void> {
  const deadline = performance.now() + UP_WITHIN_MS;
  while (performance.now() < deadline) {
    const signal = AbortSignal.timeout(PROBE_WITHIN_MS);
    const response = await fetch(`${url}/ready`, { signal }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    await sleep(POLL_MS, undefined, { signal: stopping });
  }
  throw new Error(`${url} was not ready within ${UP_WITHIN_MS / 1_000} s: see ${url}/ready`);
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}
