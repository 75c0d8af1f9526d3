import { join } from 'node:path';
import { importProblems } from './imports.ts';
import { treeProblems } from './tree.ts';

// `npm run structure`: who imports whom, sizes and names.
const root = join(import.meta.dirname, '..');
const problems = [...treeProblems(root), ...(await importProblems(root))];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
