import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED } from './generated_files.ts';

// Generates all files again; a file that differs afterwards was stale.
const root = join(import.meta.dirname, '..');
const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
for (const { script, files } of GENERATED) {
  const paths = files.map((file) => join(root, file));
  const before = paths.map(read);
  execFileSync('npm', ['run', '--silent', script], { cwd: root, stdio: 'inherit' });
  for (const [index, path] of paths.entries()) {
    if (read(path) === before[index]) continue;
    console.error(`${files[index]} was stale: commit the file that \`npm run ${script}\` has just written`);
    process.exitCode = 1;
  }
}
