import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { contractProblems, type Document } from './compatibility.ts';

/** The document of the last release. */
const RELEASED = 'released/openapi.yaml';
const CURRENT = 'openapi.yaml';

// Checks whether clients of the last release still work, or the version says that they may not.
const root = join(import.meta.dirname, '..');
const read = (file: string): Document => parse(readFileSync(join(root, file), 'utf8')) as Document;
const [released, current] = [read(RELEASED), read(CURRENT)];
const problems = contractProblems(released, current);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(
    `${CURRENT} breaks clients of version ${released.info.version} (${RELEASED}): undo that, or raise the version as CONTRIBUTING.md says under Releases`,
  );
  process.exitCode = 1;
}
