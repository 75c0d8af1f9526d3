import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// In JavaScript, so that it runs before Node has to strip types. A process that strips one file loads the
// compiler of Node, and keeps it: 18 MB, and as much again in each thread that strips (Node 24.21). Stripped
// code is in the cache too, so from the second start on nothing is stripped.

/**
 * Makes Node keep the code that it has stripped of types and compiled, beside the packages: in the
 * `node_modules` of this checkout, or in the one in which the package is installed. This saves a third of
 * the CPU of each start except the first. If Node cannot write there, nothing is kept. NODE_COMPILE_CACHE
 * names another folder. The cache stays valid when the checkout moves.
 */
export function keepCompiledCode() {
  const root = join(import.meta.dirname, '..');
  const modules = join(root, 'node_modules');
  // In the package, the root is node_modules/errand.
  const beside = existsSync(modules) ? modules : join(root, '..');
  enableCompileCache({ directory: join(beside, '.cache', 'errand'), portable: true });
}

/** Runs a module of the sources, or of the package, in which it was built. `path` has no ending. */
export async function runModule(path) {
  const source = new URL(`../${path}.ts`, import.meta.url);
  const built = new URL(`../dist/${path}.js`, import.meta.url);
  await import((existsSync(source) ? source : built).href);
}
