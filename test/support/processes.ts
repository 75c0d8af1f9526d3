import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../embedded/ports.ts';
import { UNLIMITED } from './unlimited.ts';
import { whenDone } from './when_done.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export type TestProcess = {
  child: ChildProcess;
  /** The URL of its HTTP server. */
  url: string;
  /** All output so far. */
  output: () => string;
  /** Resolves with the exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
};

/**
 * Starts a real process (`api/main.ts`, `runner/main.ts`) on a database and a free port, and waits
 * until it listens. If it still runs, it is killed at the end of the test, or of the file if it was
 * started outside of a test. Throws with its output if it ends before.
 */
export async function startProcess(
  script: string,
  databaseUrl: string,
  environment: Record<string, string> = {},
): Promise<TestProcess> {
  const [apiPort, runnerPort] = await Promise.all([freePort('127.0.0.1'), freePort('127.0.0.1')]);
  const ports = { SERVER_PORT: String(apiPort), RUNNER_PORT: String(runnerPort) };
  const started = launch(script, { DATABASE_URL: databaseUrl, ...ports, ...environment });
  const port = await Promise.race([
    once(started.child, 'message').then(([message]) => (message as { listening: number }).listening),
    started.exited.then((how) =>
      Promise.reject(new Error(`${script} ended with ${how}:\n${started.output()}`)),
    ),
  ]);
  return { ...started, url: `http://127.0.0.1:${port}` };
}

/** Starts a script of this repository as a separate process, without waiting for anything. */
export function launch(script: string, environment: Record<string, string>): Omit<TestProcess, 'url'> {
  const child = spawn(process.execPath, [join(ROOT, script)], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_ENV: 'test',
      LOG_LEVEL: 'info',
      SERVER_HOST: '127.0.0.1',
      ...UNLIMITED,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  whenDone(() => child.kill('SIGKILL'));
  return { child, output: () => output, exited };
}
