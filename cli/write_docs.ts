import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withHelp } from './docs.ts';

// `npm run cli-docs`: writes the help of each command into docs/guides/command-line.md.
const GUIDE = join(import.meta.dirname, '..', 'docs', 'guides', 'command-line.md');

writeFileSync(GUIDE, withHelp(readFileSync(GUIDE, 'utf8')));
