import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder for code that Node has compiled: in the `node_modules` of this checkout, or in the one in which
 * the package is installed.
 */
export function compileCache(): string {
  const root = dirname(import.meta.dirname);
  const modules = join(root, 'node_modules');
  // In the package, the root is node_modules/errand/dist.
  return join(existsSync(modules) ? modules : join(root, '..', '..'), '.cache', 'errand');
}
