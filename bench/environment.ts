import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..');

/** The environment of a run, without anything that names the machine. */
export type Environment = {
  /** ISO 8601. */
  date: string;
  commit: string;
  cpus: number;
  node: string;
  postgres: string;
};

/** The environment of this run. */
export async function readEnvironment(postgres: string): Promise<Environment> {
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    cpus: availableParallelism(),
    node: process.versions.node,
    postgres,
  };
}

/** Files that the benchmark itself writes do not count as changes. */
const OUTPUTS = [':!bench/RESULTS.md', ':!bench/execution.svg'];

/** The short hash, and whether the working tree differs from it; `unknown` outside of a clone. */
async function commit(): Promise<string> {
  try {
    const hash = await git('rev-parse', '--short', 'HEAD');
    return (await git('status', '--porcelain', '--', '.', ...OUTPUTS)) === '' ? hash : `${hash} and changes`;
  } catch {
    return 'unknown';
  }
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', args, { cwd: ROOT });
  return stdout.trim();
}
