import { spawn } from 'node:child_process';
import { type Announcement, announcementSchema } from './announced.ts';

/** The exit of a child that has succeeded. */
export const SUCCESS = 'exit code 0';

/** One of our programs as a child process. */
export type Child = {
  readonly name: string;
  /** Its report, once it is ready. */
  readonly announced: Promise<Announcement>;
  /** Its end: SUCCESS, another exit code, or a signal. */
  readonly exited: Promise<string>;
  /** Sends SIGTERM once, and kills the child after `graceMs`. Resolves when it has ended. */
  stop(graceMs: number): Promise<void>;
  kill(): void;
};

/**
 * Starts one of our programs by the path of its script. It shares our output. It has a channel to this
 * process and ends when the channel closes, because nobody else would stop it then.
 */
export function startChild(name: string, script: string, options: readonly string[] = []): Child {
  const child = spawn(process.execPath, [script, ...options], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // A separate process group, so that the terminal's Ctrl-C reaches only us. A second signal would mean "at
    // once" to the child.
    detached: true,
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const announced = new Promise<Announcement>((resolve) => {
    child.on('message', (message) => {
      const { data } = announcementSchema.safeParse(message);
      if (data !== undefined) resolve(data);
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
    announced,
    exited,
    stop: (graceMs) => {
      stopped ??= stop(graceMs);
      return stopped;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
