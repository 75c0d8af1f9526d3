import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { whenDone } from '../when_done.ts';
import { ROOT } from './documents.ts';
import { removeScratch, scratchFolder } from './scratch.ts';

/**
 * A user's project with these files, by path, and a configuration that finds its tasks in `tasks/`. Its `errand`
 * is the sources of a checkout, so nothing needs to be built. Removed when the test is done. Gives the environment
 * with which processes of that checkout run it.
 */
export function sourceProject(files: Record<string, string>, checkout = ROOT): { ERRAND_CONFIG: string } {
  const scratch = scratchFolder(0o755);
  whenDone(() => removeScratch(scratch));
  const project = join(scratch, 'project');
  const config = join(project, 'errand.config.ts');
  const errand = join(scratch, 'errand');
  const all = {
    ...files,
    'package.json': '{ "name": "user", "private": true, "type": "module" }',
    'errand.config.ts': `import { defineConfig } from 'errand';\nexport default defineConfig({ tasks: ['./tasks'] });\n`,
    // Node takes types out of files that are not below node_modules: a link leads to this one.
    '../errand/package.json': '{ "name": "errand", "type": "module", "exports": "./index.ts" }',
    '../errand/index.ts': `export * from '${join(checkout, 'package', 'index.ts')}';\n`,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(errand, join(project, 'node_modules', 'errand'));
  symlinkSync(join(ROOT, 'node_modules', 'zod'), join(project, 'node_modules', 'zod'));
  return { ERRAND_CONFIG: config };
}
