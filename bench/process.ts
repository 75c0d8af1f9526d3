import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** The processes that have not ended. */
const running = new Set<ChildProcess>();

/** Registers a process, so that it does not outlive the benchmark, whatever fails. */
export function noted(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/**
 * Ends all registered processes: those that a failed part remaining, or, at a stop, those that are being
 * measured.
 */
export async function killRemaining(): Promise<void> {
  const remaining = [...running];
  const exited = remaining.map((child) => once(child, 'exit'));
  for (const child of remaining) child.kill('SIGKILL');
  await Promise.all(exited);
}

/** A measured process, which is not the one that measures. */
export type Measured = {
  readonly pid: number;
  /** Resolves with the next message that it sends. */
  message(): Promise<unknown>;
  send(message: string): void;
  stop(): Promise<void>;
  /** Sends SIGKILL. */
  kill(): Promise<void>;
};

/**
 * The script of `npm run api` or `npm run runner`: bin/api.js, or in builds that lack it api/main.ts. `folder`
 * may hold another build than this one.
 */
export function entryOf(name: 'api' | 'runner', folder: string = ROOT): string {
  const entry = `bin/${name}.js`;
  return existsSync(join(folder, entry)) ? entry : `${name}/main.ts`;
}

/**
 * Starts a script of this repository, or of another build in `folder`, and waits for its first
 * message. Throws if the process ends before, or if `signal` is aborted.
 */
export async function startProcess(
  script: string,
  environment: Record<string, string>,
  { folder = ROOT, signal }: { folder?: string; signal?: AbortSignal | undefined } = {},
): Promise<{ process: Measured; first: unknown }> {
  const child = noted(
    spawn(process.execPath, [join(folder, script)], {
      cwd: folder,
      signal,
      // Counting what runs, for the coverage of the tests, would slow down what is measured.
      env: { ...process.env, NODE_V8_COVERAGE: '', LOG_LEVEL: 'warn', ...environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  const exited = once(child, 'exit');
  const message = async (): Promise<unknown> => {
    const [received] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => Promise.reject(new Error(`${script} ended with ${code}`))),
    ]);
    return received;
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  const first = await message();
  return {
    process: {
      pid: child.pid ?? 0,
      message,
      send: (text) => void child.send(text),
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
    },
    first,
  };
}

/** Sends a word to each process, waits until each has answered, and gives the answers. */
export async function sendAll(processes: readonly Measured[], word: string): Promise<unknown[]> {
  const answers = processes.map((process) => process.message());
  for (const process of processes) process.send(word);
  return Promise.all(answers);
}

/** Starts so many processes of a script at once. */
export async function startProcesses(
  count: number,
  script: string,
  environment: Record<string, string>,
): Promise<Measured[]> {
  const started = Array.from({ length: count }, () => startProcess(script, environment));
  return (await Promise.all(started)).map(({ process }) => process);
}
