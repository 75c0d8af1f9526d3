import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const IMPORT = /(from |import\()(["'])(\.[^"']+)\.ts\2/g;
/** Examples in comments keep their imports. */
const COMMENT = /^\s*(\*|\/\*|\/\/)/;

/**
 * Mends the declarations in the folder of a build. The compiler leaves `.ts` in their imports, which other
 * projects do not resolve; it becomes `.js`. Only what these entries (absolute paths of declarations) reach is
 * kept: the rest describes what nobody can import.
 */
export function mendDeclarations(folder: string, entries: readonly string[]): void {
  const reached = new Map<string, string>();
  const queue = [...entries];
  for (const file of queue) {
    if (reached.has(file)) continue;
    const mend = (line: string): string =>
      line.replaceAll(IMPORT, (_, before: string, quote: string, path: string) => {
        queue.push(resolve(dirname(file), `${path}.d.ts`));
        return `${before}${quote}${path}.js${quote}`;
      });
    const lines = readFileSync(file, 'utf8').split('\n');
    const text = lines.map((line) => (COMMENT.test(line) ? line : mend(line))).join('\n');
    reached.set(file, text);
  }
  for (const file of globSync('**/*.d.ts', { cwd: folder }).map((path) => join(folder, path))) {
    const text = reached.get(file);
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
  }
}
