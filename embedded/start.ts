import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { loadConfig, wantsEmbeddedPostgres } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Child, SUCCESS, startChild } from './child.ts';
import { keepRunning } from './keep.ts';
import { claimStart, explain, graceOf, keepPostgres } from './parts.ts';
import { requirePorts } from './ports.ts';
import { untilReady } from './ready.ts';
import { onStopSignals } from './stop_signals.ts';
import { reachableHost, welcome } from './welcome.ts';

// `npm start`: runs Postgres unless one is configured, the migrations, the API and one runner.

const ROOT = dirname(import.meta.dirname);
/** `.ts` in a checkout, `.js` in the package. */
const ENDING = extname(import.meta.filename);
/** The time of a start besides waiting for Postgres: loading the code, compiling the validators. */
const LOADING_MS = 30_000;
/** The running programs, and how to end them. */
type Running = {
  programs: { stop(graceMs: number): Promise<void>; kill(): void }[];
  stopPostgres: () => Promise<void>;
  isGoingDown: boolean;
  exitCode: number;
};

const say = (line: string) => console.log(line);

async function main(): Promise<number> {
  const config = loadConfig();
  const { foundLeftover } = claimStart();
  if (foundLeftover) say('The last npm start was killed. Cleaning up after it.');
  const running: Running = {
    programs: [],
    stopPostgres: async () => undefined,
    isGoingDown: false,
    exitCode: 0,
  };
  const graceMs = graceOf(config);
  const stop = new AbortController();
  onStopSignals(
    () => {
      say('Stopping. Press Ctrl-C again to stop at once.');
      stop.abort();
      for (const program of running.programs) void program.stop(graceMs);
    },
    () => stopAtOnce(running),
  );
  await runUntil(stop.signal, running, async () => {
    await requirePorts(config, foundLeftover, stop.signal);
    return bringUp(config, running, stop.signal);
  });
  running.isGoingDown = true;
  await Promise.all(running.programs.map((program) => program.stop(graceMs)));
  await running.stopPostgres();
  if (stop.signal.aborted) say('Stopped.');
  return running.exitCode;
}

/**
 * Starts, prints the result, and waits for the signal to stop. If the start fails, prints the reason and
 * returns.
 */
async function runUntil(stop: AbortSignal, running: Running, start: () => Promise<string>): Promise<void> {
  try {
    say(await start());
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve());
    });
  } catch (error) {
    // The signal to stop arrived during the start, so a step has failed.
    if (stop.aborted) return;
    console.error(explain(error));
    running.exitCode = 1;
  }
}

/**
 * Starts everything in order. Gives the message to print when everything answers. Throws if something does
 * not.
 */
async function bringUp(config: Config, running: Running, stop: AbortSignal): Promise<string> {
  stop.throwIfAborted();
  if (wantsEmbeddedPostgres(config)) running.stopPostgres = await keepPostgres(config, say);
  stop.throwIfAborted();
  const migrations = startChild('The migration', join(ROOT, `process/migrate${ENDING}`));
  running.programs = [migrations];
  const how = await migrations.exited;
  if (how !== SUCCESS) throw new Error(`${migrations.name} of the database failed (${how}).`);
  stop.throwIfAborted();
  const scripts = { api: scriptOf('api'), runner: scriptOf('runner') };
  const api = startChild('The API', scripts.api);
  const runner = startChild('The runner', scripts.runner);
  running.programs = [api, runner];
  const host = reachableHost(config.SERVER_HOST, '127.0.0.1');
  const withinMs = config.START_TIMEOUT_SECS * 1_000 + LOADING_MS;
  const [ofApi, ofRunner] = await Promise.all([
    untilReady(api, host, withinMs),
    untilReady(runner, host, withinMs),
  ]);
  stop.throwIfAborted();
  running.programs = [keepProgram(api, scripts.api), keepProgram(runner, scripts.runner)];
  running.programs.push(...buildDashboard());
  return welcome(config, { api: ofApi.listening, runner: ofRunner.listening }, ofApi.tasks);
}

/** In a checkout bin/api.js, which starts the sources without Node's type compiler; the package has JavaScript. */
function scriptOf(name: 'api' | 'runner'): string {
  return join(ROOT, ENDING === '.ts' ? `bin/${name}.js` : `${name}/main.js`);
}

/**
 * Builds the dashboard of a checkout beside the running API, if its sources have changed since the last build.
 * The package has it built. An installation without the tools goes without.
 */
function buildDashboard(): Child[] {
  if (ENDING !== '.ts' || !existsSync(join(ROOT, 'node_modules', 'vite'))) return [];
  const build = startChild('The build of the dashboard', join(ROOT, 'package/build_dashboard.ts'), [
    '--if-changed',
  ]);
  void build.exited.then((how) => {
    if (how.startsWith('exit code') && how !== SUCCESS)
      say(`${build.name} failed (${how}). Try: npm run dashboard`);
  });
  return [build];
}

function keepProgram(first: Child, script: string): Running['programs'][number] {
  const kept = keepRunning(
    first.name,
    first,
    async () => {
      const child = startChild(first.name, script);
      void child.announced.then(({ listening }) => say(`${child.name} is up again, on port ${listening}.`));
      return child;
    },
    say,
  );
  let stopped: Promise<void> | undefined;
  return {
    stop: (graceMs) => {
      stopped ??= kept.stop((child) => child.stop(graceMs));
      return stopped;
    },
    kill: () => kept.current().kill(),
  };
}

function stopAtOnce(running: Running): void {
  say('Stopping at once.');
  running.exitCode = 1;
  for (const program of running.programs) program.kill();
  // If a step of the start is still running, it may take long, so the process exits now. Postgres has its own
  // exit handler.
  if (!running.isGoingDown) process.exit(1);
}

// A closed terminal (SIGHUP) or reader (`npm start | head`) must not crash the process.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
try {
  process.exit(await main());
} catch (error) {
  console.error(explain(error));
  process.exit(1);
}
