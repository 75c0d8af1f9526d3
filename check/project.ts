import { loadCode } from '../project/code.ts';
import { allOf, loadProject, type Project } from '../project/project.ts';
import type { Part } from './findings.ts';

/** The project, null if it cannot be loaded, and what was found. */
export type CheckedProject = { readonly project: Project | null; readonly part: Part };

/** Loads a project as a runner does: its definitions and the code of each. Collects all problems. */
export async function checkProject(options: {
  NODE_ENV: string;
  ERRAND_CONFIG?: string | undefined;
  /** The working directory by default. */
  directory?: string;
}): Promise<CheckedProject> {
  let project: Project | null = null;
  try {
    const loaded = await loadProject(options);
    project = loaded;
    await allOf(loaded.registry.definitions.map((definition) => loadCode(loaded, definition)));
    const warnings = loaded.registry.definitions.flatMap(({ name, warnings: of }) =>
      [...new Set(of)].map((message) => ({ kind: 'project' as const, name, message: `${name}: ${message}` })),
    );
    return { project, part: { summary: summaryOf(loaded), isChecked: true, problems: [], warnings } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problems = problemsIn(message).map((one) => ({ kind: 'project' as const, message: one }));
    return { project, part: { summary: 'the project', isChecked: true, problems, warnings: [] } };
  }
}

function summaryOf({ own, schedules, registry, configFile }: Project): string {
  const shipped = registry.definitions.length - own.size;
  const from = configFile === null ? ' (there is no errand.config.ts here)' : '';
  const found = [
    counted(own.size, 'task'),
    ...(schedules.length === 0 ? [] : [counted(schedules.length, 'schedule')]),
  ];
  return `the project: ${found.join(', ')}, and ${shipped} that Errand ships${from}`;
}

export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** A message has one problem per line; lines that begin with a space belong to the one before. */
function problemsIn(message: string): string[] {
  const problems: string[] = [];
  for (const line of message.split('\n')) {
    const last = problems.at(-1);
    if (line.startsWith(' ') && last !== undefined) problems[problems.length - 1] = `${last}\n${line}`;
    else problems.push(line);
  }
  return problems;
}
