import { spawn } from 'node:child_process';

/** How a child ends that did what it was started for. */
export const SUCCESS = 'exit code 0';

/** One of our own programs, running as a child process. */
export type Child = {
  readonly name: string;
  /** The port of its HTTP, once it said so. */
  readonly listening: Promise<number>;
  /** How it ended: SUCCESS, another exit code, or a signal. */
  readonly exited: Promise<string>;
  /** Asks it once to end (SIGTERM) and kills it when it has not after `graceMs`. Resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
  kill(): void;
};

/**
 * Starts one of our programs, given the path of its script. It writes to our output. It also has a channel to us, and
 * ends when that closes, that is, when we are gone and nobody else would stop it.
 */
export function startChild(name: string, script: string): Child {
  const child = spawn(process.execPath, [script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A group of its own: the terminal's Ctrl-C is for us, and a second signal would mean "at once" to the child.
    detached: true,
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const listening = new Promise<number>((resolve) => {
    child.on('message', (message) => {
      const port = announcedPort(message);
      if (port !== undefined) resolve(port);
    });
  });
  let stopped: Promise<void> | undefined;
  async function stop(graceMs: number): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(timer);
  }
  return {
    name,
    listening,
    exited,
    stop: (graceMs) => {
      stopped ??= stop(graceMs);
      return stopped;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function announcedPort(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null || !('listening' in message)) return undefined;
  return typeof message.listening === 'number' ? message.listening : undefined;
}
