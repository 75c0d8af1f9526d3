import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, wantsEmbeddedPostgres } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { claimStart, explain, graceOf, keepPostgres } from '../embedded/parts.ts';
import { requirePorts } from '../embedded/ports.ts';
import { onStopSignals } from '../embedded/stop_signals.ts';
import { welcome } from '../embedded/welcome.ts';
import { compilerOf } from '../project/compiler.ts';
import { findConfig } from '../project/project.ts';
import { applyChanges, type Changes } from './changes.ts';
import { type Generations, keepGenerations } from './generations.ts';
import { type Role, SHOWN } from './standby.ts';
import { watchTypes } from './types.ts';
import { type Watch, watchProject } from './watch.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A process that has run this long does not end again and again. */
const SETTLED_AFTER_MS = 60_000;

export type DevOptions = {
  /** The port of the API; SERVER_PORT by default. */
  port?: number | undefined;
  /** Whether the types of the project are watched. */
  types: boolean;
};

const say = (line: string): void => console.log(line);

/**
 * `errand dev`: Postgres unless one is configured, an API, a runner, and what watches the project. Gives the exit
 * code when it has been stopped.
 */
export async function runDev({ port, types }: DevOptions): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const directory = process.cwd();
  if (port !== undefined) process.env.SERVER_PORT = String(port);
  const config = loadOnly();
  if (findConfig(directory, config.ERRAND_CONFIG) === null)
    throw new Error(`There is no errand.config.ts in ${directory}. Run errand init, which writes one.`);
  const { foundLeftover } = claimStart();
  if (foundLeftover) say('The last start was killed. Cleaning up after it.');
  const stop = new AbortController();
  const parts: Parts = { ends: [] };
  onStopSignals(
    () => {
      say('Stopping. Press Ctrl-C again to stop at once.');
      stop.abort();
    },
    () => {
      say('Stopping at once.');
      parts.generations?.kill();
      process.exit(1);
    },
  );
  let exitCode = 0;
  try {
    await requirePorts(config, foundLeftover, stop.signal);
    await bringUp({ directory, config, types, parts, stop: stop.signal });
    await aborted(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) {
      console.error(explain(error));
      exitCode = 1;
    }
  }
  for (const end of parts.ends.reverse()) await end();
  if (stop.signal.aborted) say('Stopped.');
  return exitCode;
}

/** What must end, in the order of its start. */
type Parts = { ends: (() => Promise<void> | void)[]; generations?: Generations };

type BringUp = { directory: string; config: Config; types: boolean; parts: Parts; stop: AbortSignal };

async function bringUp({ directory, config, types, parts, stop }: BringUp): Promise<void> {
  let changes: Changes | undefined;
  let watch: Watch | undefined;
  const restartLost = lostProcesses((role) => changes?.restart([role]), stop);
  const generations = keepGenerations({
    graceMs: graceOf(config),
    onLost: restartLost,
    onFiles: (files) => watch?.add(files),
  });
  parts.generations = generations;
  const stopPostgres = wantsEmbeddedPostgres(config) ? keepPostgres(config, say, true) : undefined;
  // Even if it still starts when everything has to end.
  parts.ends.push(async () => (await stopPostgres)?.());
  parts.ends.push(() => generations.stop());
  await stopPostgres;
  stop.throwIfAborted();
  watch = await watchProject(directory, (changed) => changes?.apply(changed));
  parts.ends.push(() => watch?.close());
  changes = applyChanges(directory, generations, say);
  await changes.first();
  stop.throwIfAborted();
  greet(config, generations);
  const compiler = types ? compilerOf(directory) : null;
  if (compiler !== null) parts.ends.push(watchTypes(directory, compiler, say));
}

/** Says where everything is, once it works. */
function greet(config: Config, generations: Generations): void {
  const [api, runner] = [generations.announced('api'), generations.announced('runner')];
  if (api === undefined || runner === undefined) return;
  const own = api.tasks.filter(({ isOwn }) => isOwn).map(({ name }) => name);
  say(
    welcome(
      config,
      { api: api.listening, runner: runner.listening },
      api.tasks,
      `Tasks of this project: ${own.join(', ') || 'none yet'}.\nWhat you save is applied. Press Ctrl-C to stop.`,
    ),
  );
}

/** The configuration. Variables of `.env` do not stay in the environment: the processes read the file themselves. */
function loadOnly(): Config {
  const before = new Set(Object.keys(process.env));
  try {
    return loadConfig();
  } finally {
    for (const name of Object.keys(process.env)) if (!before.has(name)) delete process.env[name];
  }
}

/** Starts a process again that has ended unexpectedly, after a pause that grows while it keeps ending. */
function lostProcesses(restart: (role: Role) => void, stop: AbortSignal): (role: Role, how: string) => void {
  let pauseMs = FIRST_PAUSE_MS;
  let lastAt = Number.NEGATIVE_INFINITY;
  return (role, how) => {
    if (stop.aborted) return;
    const now = performance.now();
    pauseMs = now - lastAt > SETTLED_AFTER_MS ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    lastAt = now;
    say(`${SHOWN[role]} ended unexpectedly (${how}). It is restarted in ${pauseMs / 1_000} s.`);
    sleep(pauseMs, undefined, { signal: stop }).then(
      () => restart(role),
      () => undefined,
    );
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
