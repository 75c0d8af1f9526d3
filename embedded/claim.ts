import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isAlive, startMark } from './processes.ts';

/** What a claim found: whether an earlier process left its file behind when it was killed. */
export type Claim = { readonly foundLeftover: boolean };

/**
 * Claims a file for this process, so that one process at a time runs from a checkout. The file holds the pid and when
 * that process started: a pid alone is given to other programs later. It is removed when this process exits.
 * Throws when its owner is alive, naming the process, and when the folder can't be written.
 */
export function claimFile(file: string): Claim {
  const mine = `${process.pid}\n${startMark(process.pid)}\n`;
  const foundLeftover = !writeNew(file, mine);
  if (foundLeftover) {
    const owner = livingOwner(file);
    if (owner !== undefined) throw alreadyRunning(owner);
    rmSync(file, { force: true });
    // Another start may have found the same leftover at this moment; the first to write is the one.
    if (!writeNew(file, mine)) throw alreadyRunning(livingOwner(file));
  }
  process.on('exit', () => {
    if (read(file) === mine) rmSync(file, { force: true });
  });
  return { foundLeftover };
}

function alreadyRunning(pid: number | undefined): Error {
  return new Error(
    `Errand already runs from this checkout (process ${pid ?? 'unknown'}). ` +
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
      `Can't write ${file}: it belongs to another user. Start as the user that owns the checkout.`,
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
