import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive, startMark } from './processes.ts';

/** The result of a claim: whether a killed process left its file behind. */
export type Claim = { readonly foundLeftover: boolean };

/**
 * Claims a file for this process, so that only one process at a time runs from a checkout. The file contains
 * the pid and the start time of the process, because pids are reused. It is removed when this process exits.
 * Throws if its owner is alive, and names the process; and if the folder is not writable.
 */
export function claimFile(file: string): Claim {
  const mine = `${process.pid}\n${startMark(process.pid)}\n`;
  const foundLeftover = !writeNew(file, mine);
  if (foundLeftover) {
    const owner = livingOwner(file);
    if (owner !== undefined) throw alreadyRunning(owner);
    rmSync(file, { force: true });
    // Another start may have found the same leftover at this moment. The first one to write wins.
    if (!writeNew(file, mine)) throw alreadyRunning(livingOwner(file));
  }
  process.on('exit', () => {
    if (read(file) === mine) rmSync(file, { force: true });
  });
  return { foundLeftover };
}

function alreadyRunning(pid: number | undefined): Error {
  return new Error(
    `Errand is already running from this checkout (process ${pid ?? 'unknown'}). ` +
      `Stop it first: Ctrl-C in its terminal${pid === undefined ? '' : `, or kill ${pid}`}.`,
  );
}

function writeNew(file: string, text: string): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return false;
    if (code !== 'EACCES') throw error;
    throw new Error(
      `Cannot write ${file}: it belongs to another user. Start Errand as the user that owns the checkout.`,
    );
  }
}

function livingOwner(file: string): number | undefined {
  const [pid = '', mark = ''] = read(file).split('\n');
  const owner = Number.parseInt(pid, 10);
  return owner > 0 && isAlive(owner) && startMark(owner) === mark ? owner : undefined;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
