import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { portProblem } from '../../../embedded/ports.ts';
import { noteCopy } from '../../covered/copies.ts';
import { until } from '../until.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Other data, settings and results: they do not belong to the program. */
const NOT_COPIED = ['.git', '.errand', '.env', 'coverage', 'dist', 'docs', 'node_modules'].map((name) =>
  join(ROOT, name),
);

const TESTS = join(ROOT, 'test');
/** Of the tests the demo has its text. */
const ITS_DATA = join(TESTS, 'data');

function isCopied(source: string): boolean {
  const isOfTests = dirname(source) === TESTS && source !== ITS_DATA;
  return !isOfTests && !NOT_COPIED.includes(source);
}

/** Copies what runs of this checkout, with what is not committed yet, and its node_modules. */
export function copyCheckout(into: string): void {
  noteCopy(into);
  cpSync(ROOT, into, { recursive: true, filter: isCopied });
  const modules = join(ROOT, 'node_modules');
  try {
    // Hard links: a link to the folder would lead out of the copy, and to copy it takes long.
    execFileSync('cp', ['-al', modules, join(into, 'node_modules')], { stdio: 'pipe' });
  } catch {
    // Another file system.
    execFileSync('rm', ['-rf', join(into, 'node_modules')]);
    symlinkSync(modules, join(into, 'node_modules'));
  }
}

/** The Node that runs these tests, as the copy has it: an account that may enter the copy can run it. */
function nodeOf(checkout: string): string {
  const inside = relative(ROOT, process.execPath);
  return inside.startsWith('..') ? process.execPath : join(checkout, inside);
}

/** Below the range that systems take ports of outgoing connections from: those come and go at any time. */
const PORTS = { first: 10_000, count: 10_000 };

/** Free ports for one checkout, as its environment. */
export async function portsFor(): Promise<Record<string, string>> {
  const [server, runner, postgres] = [await portToUse(0), await portToUse(1), await portToUse(2)];
  return { SERVER_PORT: server, RUNNER_PORT: runner, EMBEDDED_POSTGRES_PORT: postgres };
}

/** Searched from a place that depends on this process, so that several that search don't find the same. */
async function portToUse(nth: number): Promise<string> {
  for (let step = 0; step < PORTS.count; step += 3) {
    const port = PORTS.first + ((process.pid * 3 + nth + step) % PORTS.count);
    if ((await portProblem('0.0.0.0', port)) === null) return String(port);
  }
  throw new Error('There is no free port');
}

/** A run of `npm start` in a checkout. */
export type Run = {
  readonly process: ChildProcess;
  output(): string;
  /** Resolves when it says that it is up; throws with what it said when it ends before. */
  up(): Promise<void>;
  /** Resolves with the exit code, or the signal that killed it. */
  ended(): Promise<number | string | null>;
  /** Sends SIGINT to the process group, as a terminal does on Ctrl-C. */
  pressCtrlC(): void;
};

/** Starts what `npm start` runs, as the leader of a process group. */
export function startIn(
  checkout: string,
  environment: Record<string, string>,
  identity: { uid?: number; gid?: number } = {},
): Run {
  const { PATH = '' } = process.env;
  const child = spawn(nodeOf(checkout), [join(checkout, 'embedded', 'start.ts')], {
    ...identity,
    cwd: checkout,
    env: { PATH, NODE_ENV: 'development', ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    process: child,
    output: () => output,
    up: async () => {
      await until('npm start is up', () => hasEnded() || output.includes('Press Ctrl-C to stop.')).catch(
        (error) => {
          throw new Error(`${error}\n${output}`);
        },
      );
      if (hasEnded()) throw new Error(`npm start ended (${child.exitCode ?? child.signalCode}):\n${output}`);
    },
    ended: async () => {
      await until('npm start has ended', hasEnded);
      return child.exitCode ?? child.signalCode;
    },
    pressCtrlC: () => void process.kill(-(child.pid ?? 0), 'SIGINT'),
  };
}
