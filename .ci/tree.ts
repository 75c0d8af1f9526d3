import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GENERATED_FILES } from './generated_files.ts';
import { projectFiles } from './project_files.ts';

/**
 * Above the first limit a file gets a warning, because its second half may not have a name yet;
 * above the second it is refused.
 */
const MANY_LINES = 250;
const MAX_LINES = 400;
/** More files than a reader can take in at a glance: they need folders by concern. */
const MANY_FILES = 20;
/** Folders with one file per name, such as one per SQL function. */
const LISTS = new Set(['migrations/functions']);
/** Names that say nothing, alone or as the last word: unrelated code collects under them. */
const CATCH_ALL = /(^|[/_-])(utils?|helpers?|common|shared|managers?)(?=[./]|$)/i;
/** Files that people write, whose length is checked. */
const SOURCE = /\.(ts|sql)$/;
const SWITCHED_OFF = /\b(test|it|describe)(\.\w+)*\.(skip|only|todo)\b/;
const STATEMENT = /\.query\s*[<(]/;
/**
 * Code that may run statements: the store, the readiness check, the setup of a server, tests, and
 * the benchmark.
 */
const RUNS_STATEMENTS = /^(store|embedded|bench|test)\/|^process\/database\.ts$/;

/** Problems with the files of a checkout, except imports: one line each. */
export function treeProblems(root: string, generated = GENERATED_FILES): string[] {
  return projectFiles(root).flatMap((file) => {
    const problems = CATCH_ALL.test(file) ? ['has a name that says nothing: name what it is for'] : [];
    if (SOURCE.test(file)) {
      const text = readFileSync(join(root, file), 'utf8');
      problems.push(...textProblems(file, text));
      if (linesOf(text) > MAX_LINES && !generated.has(file))
        problems.push(`has ${linesOf(text)} lines, more than ${MAX_LINES}`);
    }
    return problems.map((problem) => `${file} ${problem}`);
  });
}

/**
 * Long files and full folders, one line each. They may stay for now. Files in the root are where
 * tools need them.
 */
export function treeWarnings(root: string, generated = GENERATED_FILES): string[] {
  const files = projectFiles(root);
  const long = files
    .filter((file) => SOURCE.test(file) && !generated.has(file))
    .map((file) => ({ file, lines: linesOf(readFileSync(join(root, file), 'utf8')) }))
    .filter(({ lines }) => lines > MANY_LINES && lines <= MAX_LINES);
  const full = [...Map.groupBy(files, (file) => dirname(file))].filter(
    ([folder, { length }]) => folder !== '.' && !LISTS.has(folder) && length > MANY_FILES,
  );
  return [
    ...long.map(({ file, lines }) => `${file} has ${lines} lines, more than ${MANY_LINES}`),
    ...full.map(([folder, { length }]) => `${folder}/ has ${length} files, more than ${MANY_FILES}`),
  ];
}

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length;
}

function textProblems(file: string, text: string): string[] {
  return [
    ...(file.endsWith('.test.ts') && SWITCHED_OFF.test(text) ? ['switches a test off, or all others'] : []),
    ...(STATEMENT.test(text) && !RUNS_STATEMENTS.test(file) ? ['runs SQL, which is for store/'] : []),
  ];
}
