import { loadConfig } from '../config/load.ts';
import { checkDatabase } from './database.ts';
import { type Part, unchecked } from './findings.ts';
import { checkProject } from './project.ts';
import { checkTypes } from './types.ts';

export type CheckOptions = {
  /** Whether the types are checked. */
  types: boolean;
  /** Whether the definitions are compared with the database. */
  database: boolean;
  /** Print one JSON document. */
  json: boolean;
};

/**
 * `errand check`: whether the project of the working folder would start, whether its types hold, and whether the
 * tasks that wait in the database and the schedules there fit its definitions. Prints everything that is wrong. Gives the exit code.
 */
export async function runCheck(options: CheckOptions): Promise<number> {
  const config = loadConfig();
  const [{ project, part }, types] = await Promise.all([
    checkProject(config),
    options.types ? checkTypes(process.cwd()) : null,
  ]);
  const parts: Part[] = types === null ? [part] : [part, types];
  if (options.database)
    parts.push(
      project === null || part.problems.length > 0
        ? unchecked('the database was not compared: correct the project first')
        : await checkDatabase(config, project),
    );
  const problems = parts.flatMap((one) => one.problems);
  const isFine = problems.length === 0;
  if (options.json) {
    const warnings = parts.flatMap((one) => one.warnings);
    const checks = parts.map(({ summary, isChecked }) => ({ summary, checked: isChecked }));
    const toWire = ({ exampleId, ...finding }: Part['problems'][number]) => ({
      ...finding,
      ...(exampleId === undefined ? {} : { example_id: exampleId }),
    });
    const document = { ok: isFine, checks, problems: problems.map(toWire), warnings: warnings.map(toWire) };
    console.log(JSON.stringify(document, null, 2));
  } else for (const one of parts) print(one);
  return isFine ? 0 : 1;
}

function print({ summary, isChecked, problems, warnings }: Part): void {
  const mark = !isChecked ? '-' : problems.length > 0 ? '✗' : '✓';
  console.log(`${mark} ${summary}`);
  for (const { message } of problems) console.log(indented(`✗ ${message}`));
  for (const { message } of warnings) console.log(indented(`! ${message}`));
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
