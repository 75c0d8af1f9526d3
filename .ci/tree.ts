import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './project_files.ts';

const MAX_LINES = 250;
/** Names that say nothing, alone or as the last word: what belongs nowhere collects under them. */
const CATCH_ALL = /(^|[/_-])(utils?|helpers?|common|shared|managers?)(?=[./]|$)/i;
const SWITCHED_OFF = /\b(test|it|describe)(\.\w+)*\.(skip|only|todo)\b/;
const STATEMENT = /\.query\s*[<(]/;
/** Who runs statements: the store; the readiness check; the server that is just being made; tests; what fills a ledger. */
const RUNS_STATEMENTS = /^(store|embedded|bench|test)\/|^process\/database\.ts$/;

/** What is wrong with the files of a checkout beside their imports: one line per problem. */
export function treeProblems(root: string): string[] {
  return projectFiles(root).flatMap((file) => {
    const problems = CATCH_ALL.test(file) ? ['has a name that says nothing: name what it is for'] : [];
    if (/\.(ts|sql)$/.test(file))
      problems.push(...textProblems(file, readFileSync(join(root, file), 'utf8')));
    return problems.map((problem) => `${file} ${problem}`);
  });
}

function textProblems(file: string, text: string): string[] {
  const lines = text.trimEnd().split('\n').length;
  return [
    ...(lines > MAX_LINES ? [`has ${lines} lines, more than ${MAX_LINES}`] : []),
    ...(file.endsWith('.test.ts') && SWITCHED_OFF.test(text) ? ['switches a test off, or all others'] : []),
    ...(STATEMENT.test(text) && !RUNS_STATEMENTS.test(file) ? ['runs SQL, which is for store/'] : []),
  ];
}
