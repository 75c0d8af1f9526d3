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
/** How much is kept of what a start says, to show it when it fails. */
const KEPT_CHARACTERS = 10_000;

/** An API to talk to, and how to leave it: what was started for the demo is stopped. */
export type Server = { url: string; startedHere: boolean; leave(): Promise<void> };

/**
 * The API at ERRAND_URL. Without that variable the one on SERVER_PORT of this machine, and when nothing answers
 * there, everything is started. Throws an Error that says where it looked and what to do.
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
      `What answers at ${url} is not Errand's API: set ERRAND_URL, or SERVER_PORT for another port`,
    );
  }
  if (config.ERRAND_URL !== undefined) {
    throw new Error(
      `No API answers at ${url} (ERRAND_URL): start one with \`npm start\`, or unset ERRAND_URL and the demo starts its own`,
    );
  }
  console.log(`No API answers at ${url}, so the demo starts one, with Postgres and a runner.`);
  return start(signal);
}

const healthSchema = z.object({ process: z.literal('api') });

/** Who answers at an URL. */
async function probe(url: string): Promise<'api' | 'other' | 'nobody'> {
  const signal = AbortSignal.timeout(PROBE_WITHIN_MS);
  const response = await fetch(`${url}/health`, { signal }).catch(() => undefined);
  if (response === undefined) return 'nobody';
  const body: unknown = await response.json().catch(() => undefined);
  return healthSchema.safeParse(body).success ? 'api' : 'other';
}

/** What `npm start` runs, in a process group of its own: a Ctrl-C is for the demo, which then stops it. */
async function start(signal: AbortSignal): Promise<Server> {
  const child = spawn(process.execPath, [join(ROOT, 'embedded', 'start.ts')], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_CHARACTERS);
    });
  }
  const leave = (): Promise<void> => stop(child, ended);
  try {
    const { api, runner } = await untilUp(child, () => said, signal);
    await Promise.all([untilReady(api, signal), untilReady(runner, signal)]);
    return { url: api, startedHere: true, leave };
  } catch (error) {
    await leave();
    signal.throwIfAborted();
    throw new Error(`${String(error)}\nWhat the start said:\n${said}`);
  }
}

/** Waits until a start says where its API and its runner are. */
async function untilUp(
  child: ChildProcess,
  said: () => string,
  signal: AbortSignal,
): Promise<{ api: string; runner: string }> {
  const deadline = performance.now() + UP_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const [, api] = /^ +API +(http\S+)$/m.exec(said()) ?? [];
    const [, runner] = /^ +Runner +(http\S+)$/m.exec(said()) ?? [];
    if (api !== undefined && runner !== undefined) return { api, runner };
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`Errand did not come up within ${UP_WITHIN_MS / 1_000} s.`);
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
