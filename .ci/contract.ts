import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { contractProblems, type Document } from './compatibility.ts';

/** The document as the last release had it. */
const RELEASED = 'released/openapi.yaml';
const CURRENT = 'openapi.yaml';

// Whether clients of the last release can go on with what is here, or the version says that they may not.
const root = join(import.meta.dirname, '..');
const read = (file: string): Document => parse(readFileSync(join(root, file), 'utf8')) as Document;
const [released, current] = [read(RELEASED), read(CURRENT)];
const problems = contractProblems(released, current);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(
    `${CURRENT} breaks what ${released.info.version} promised (${RELEASED}): keep it, or raise the version as CONTRIBUTING.md says under Releases`,
  );
  process.exitCode = 1;
}
