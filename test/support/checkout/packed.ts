import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectFiles } from '../../../.ci/project_files.ts';
import { until } from '../until.ts';
import { ROOT } from './documents.ts';
import { succeed } from './newcomer.ts';

const PREFIX = 'errand-packed-';
const NOT_OF_THE_PACKAGE = /^(test|bench|docs|findings|\.ci|deploy|released|examples)\//;

/**
 * The package as npm would publish it: packed in a copy of this checkout, with what is not committed yet.
 * Gives the path of its file. It is packed once for all tests, as long as no source changes.
 */
export async function packed(): Promise<string> {
  const files = projectFiles(ROOT).filter((file) => !NOT_OF_THE_PACKAGE.test(file));
  const folder = join(tmpdir(), `${PREFIX}${hashOf(files)}`);
  const file = join(folder, 'errand.tgz');
  const lock = `${folder}.lock`;
  if (existsSync(file)) return file;
  if (!(await takesTurn(lock, file))) return file;
  try {
    removeOlder();
    const copy = `${folder}.${process.pid}`;
    for (const one of files) {
      mkdirSync(dirname(join(copy, one)), { recursive: true });
      cpSync(join(ROOT, one), join(copy, one));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    await succeed('npm pack --silent', copy);
    const [made = ''] = readdirSync(copy).filter((name) => name.endsWith('.tgz'));
    mkdirSync(folder, { recursive: true });
    renameSync(join(copy, made), file);
    rmSync(copy, { recursive: true });
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
  return file;
}

/** Whether this process is to pack. Otherwise waits until another one has. */
async function takesTurn(lock: string, file: string): Promise<boolean> {
  for (;;) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, 'pid'), String(process.pid));
      return true;
    } catch {
      await until('another test has packed', () => existsSync(file) || !isHeld(lock));
      if (existsSync(file)) return false;
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

function isHeld(lock: string): boolean {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'));
    // Empty while its process is writing it.
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch {
    return existsSync(lock) && !existsSync(join(lock, 'pid'));
  }
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(ROOT, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** What was packed of earlier sources; a day old at least, so no test uses it. */
function removeOlder(): void {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const path = join(tmpdir(), name);
    if (Date.now() - statSync(path).mtimeMs > 86_400_000) rmSync(path, { recursive: true, force: true });
  }
}
