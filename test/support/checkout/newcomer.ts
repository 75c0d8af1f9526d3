import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { projectFiles } from '../../../.ci/project_files.ts';
import { whenDone } from '../when_done.ts';
import { ROOT } from './documents.ts';

/** Copies what a fresh clone would have, and what is not committed yet, without what npm installs. */
export function copySources(into: string): void {
  const files = projectFiles(ROOT).filter((file) => !/(^|\/)\.env$|\.log$/.test(file));
  for (const file of files) {
    mkdirSync(dirname(join(into, file)), { recursive: true });
    copyFileSync(join(ROOT, file), join(into, file));
  }
}

/** A command that a newcomer types. */
export type Typed = {
  /** Of the command itself. */
  readonly pid: number;
  /** All that it has written so far. */
  output(): string;
  /** Resolves with the exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
  hasEnded(): boolean;
  /** Sends SIGINT to the process group, as a terminal does on Ctrl-C. */
  pressCtrlC(): void;
  kill(): void;
};

/**
 * Types a command into a shell in this folder, as somebody who knows nothing of this checkout and of vitest. The
 * shell gives way to it, as it is not one that outlives Ctrl-C.
 */
export function type(
  command: string,
  folder: string,
  environment: Record<string, string> = {},
  identity: { uid?: number; gid?: number } = {},
): Typed {
  const child = spawn('sh', ['-c', `exec ${command}`], {
    ...identity,
    cwd: folder,
    env: { ...ownEnvironment(), ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const signal = (name: NodeJS.Signals): void => {
    if (!hasEnded(child)) process.kill(-(child.pid ?? 0), name);
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited: once(child, 'exit').then(([code, by]) => (code ?? by) as number | NodeJS.Signals),
    hasEnded: () => hasEnded(child),
    pressCtrlC: () => signal('SIGINT'),
    kill: () => signal('SIGKILL'),
  };
}

/** Types a command and waits until it has done its work; gives what it wrote. Throws that when it fails. */
export async function succeed(command: string, folder: string): Promise<string> {
  const typed = type(command, folder);
  whenDone(() => typed.kill());
  const how = await typed.exited;
  if (how !== 0) throw new Error(`${command} ended with ${how}:\n${typed.output()}`);
  return typed.output();
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Where npm finds things is the user's, and what Node has compiled is no secret; what npm, vitest and Errand have set is this run's. */
function ownEnvironment(): Record<string, string | undefined> {
  const ours =
    /^(npm_(?!config_(registry|cache|userconfig)$)|VITEST|NODE_(?!COMPILE_CACHE)|DATABASE_URL$|PG|INIT_CWD$|TEST|DEV$|PROD$)/;
  const path = process.env.PATH?.split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(kept), PATH: path?.join(delimiter) };
}
