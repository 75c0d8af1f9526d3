import { spawnSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

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
keepDeclarations(declarationsOfExports());
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

/**
 * The compiler leaves `.ts` in the imports of declarations, which other projects do not resolve. Gives the
 * declarations that the exports of the package reach, by path, with `.js` in their imports.
 */
function declarationsOfExports(): Map<string, string> {
  const reached = new Map<string, string>();
  const queue = Object.values(manifest().exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [resolve(ROOT, entry.types)],
  );
  for (const file of queue) {
    if (reached.has(file)) continue;
    const text = readFileSync(file, 'utf8').replaceAll(
      /(from |import\()(["'])(\.[^"']+)\.ts\2/g,
      '$1$2$3.js$2',
    );
    reached.set(file, text);
    for (const [, path = ''] of text.matchAll(/(?:from |import\()["'](\.[^"']+)\.js["']/g))
      queue.push(resolve(dirname(file), `${path}.d.ts`));
  }
  return reached;
}

/** Writes these declarations and removes all others: they describe what nobody can import. */
function keepDeclarations(kept: ReadonlyMap<string, string>): void {
  for (const file of globSync('**/*.d.ts', { cwd: DIST }).map((path) => join(DIST, path))) {
    const text = kept.get(file);
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
  }
}
