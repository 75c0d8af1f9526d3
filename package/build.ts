import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { mendDeclarations } from './declarations.ts';

// `npm run build`: writes dist/, the JavaScript of the package with its types and maps. It has the folders of
// the sources, so that each file finds its neighbours and the migrations at the same relative place. Node
// does not strip types below node_modules, so the package cannot have the sources instead.

const ROOT = dirname(import.meta.dirname);
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });
const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '--project', import.meta.dirname], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
mendDeclarations(DIST, declarationsOfExports());
const dashboard = spawnSync(process.execPath, [join(import.meta.dirname, 'build_dashboard.ts')], {
  stdio: 'inherit',
});
if (dashboard.status !== 0) process.exit(dashboard.status ?? 1);
cpSync(join(ROOT, 'dashboard', 'dist'), join(DIST, 'dashboard', 'dist'), { recursive: true });
cpSync(join(ROOT, 'migrations'), join(DIST, 'migrations'), { recursive: true });
// What `errand init` writes.
cpSync(join(ROOT, 'init', 'templates'), join(DIST, 'init', 'templates'), { recursive: true });
cpSync(join(ROOT, '.env.example'), join(DIST, '.env.example'));
// Files of dist/ read it for their version, and for the versions that `errand init` asks for.
const { name, version, type, devDependencies } = manifest();
const own = { name, version, type, devDependencies };
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);

type Manifest = {
  name: string;
  version: string;
  type: string;
  devDependencies: Record<string, string>;
  exports: Record<string, string | { types: string }>;
};

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
}

function declarationsOfExports(): string[] {
  return Object.values(manifest().exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [resolve(ROOT, entry.types)],
  );
}
