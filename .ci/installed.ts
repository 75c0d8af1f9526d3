import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Package = { version: string; integrity?: string; optional?: boolean };
type Lock = { packages: Record<string, Package> };

const root = join(import.meta.dirname, '..');
const read = (file: string): Lock => JSON.parse(readFileSync(join(root, file), 'utf8')) as Lock;

// Checks that the installed packages are exactly those of package-lock.json. The lock file may lack
// optional packages of other platforms: npm leaves out packages that it could not download when it
// wrote the lock file.
const locked = read('package-lock.json').packages;
for (const [path, installed] of Object.entries(read('node_modules/.package-lock.json').packages)) {
  const wanted = locked[path];
  if (wanted === undefined ? installed.optional : isSame(wanted, installed)) continue;
  console.error(
    `${path} is ${installed.version}, but the lock file has ${wanted?.version ?? 'no such package'}`,
  );
  process.exitCode = 1;
}

function isSame(wanted: Package, installed: Package): boolean {
  return wanted.version === installed.version && wanted.integrity === installed.integrity;
}
