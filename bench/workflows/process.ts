import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** A process that is measured, apart from the one that measures. */
export type Measured = {
  /** Resolves with the next message that it sends. */
  message(): Promise<unknown>;
  stop(): Promise<void>;
};

/** Starts a script of this repository and waits for its first message, which it gives. Throws when it ends before. */
export async function startProcess(
  script: string,
  environment: Record<string, string>,
): Promise<{ process: Measured; first: unknown }> {
  const child = spawn(process.execPath, [join(ROOT, script)], {
    cwd: ROOT,
    env: { ...process.env, LOG_LEVEL: 'warn', ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const message = async (): Promise<unknown> => {
    const [received] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => Promise.reject(new Error(`${script} ended with ${code}`))),
    ]);
    return received;
  };
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  return { process: { message, stop }, first: await message() };
}
