import { join } from 'node:path';
import { importProblems } from './imports.ts';
import { treeProblems, treeWarnings } from './tree.ts';

// `npm run structure` checks imports, sizes and names. Warnings do not fail it.
const root = join(import.meta.dirname, '..');
for (const warning of treeWarnings(root)) console.warn(`warning: ${warning}`);
const problems = [...treeProblems(root), ...(await importProblems(root))];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
