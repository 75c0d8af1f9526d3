import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is committed though it is generated, and the script that does it. */
const GENERATED = [
  { script: 'openapi', files: ['openapi.yaml'] },
  { script: 'config-docs', files: ['.env.example', 'README.md'] },
];

// Generates everything anew; what is different afterwards was stale.
const root = join(import.meta.dirname, '..');
const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
for (const { script, files } of GENERATED) {
  const paths = files.map((file) => join(root, file));
  const before = paths.map(read);
  execFileSync('npm', ['run', '--silent', script], { cwd: root, stdio: 'inherit' });
  for (const [index, path] of paths.entries()) {
    if (read(path) === before[index]) continue;
    console.error(`${files[index]} was stale: commit what \`npm run ${script}\` has now made of it`);
    process.exitCode = 1;
  }
}
