import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ProjectError } from './config.ts';

/** A definition's file and the file of its code, absolute. */
export type TaskFiles = { readonly definition: string; readonly code: string };

const EXTENSION = '[cm]?[jt]s';
/** The kinds of files, and which kind holds the code of which definition. */
const DEFINITION = new RegExp(`^(?<base>.+)\\.(?<kind>task|workflow)\\.${EXTENSION}$`);
const CODE = new RegExp(`^(?<base>.+)\\.(?<kind>handler|steps)\\.${EXTENSION}$`);
const CODE_OF: Record<string, string> = { task: 'handler', workflow: 'steps' };
const SCHEDULE = new RegExp(`^(?<base>.+)\\.(?<kind>schedule)\\.${EXTENSION}$`);
const DECLARATION = /\.d\.[cm]?ts$/;

/** The files of a project: its tasks, and those that have schedules, absolute. */
export type ProjectFiles = { readonly tasks: readonly TaskFiles[]; readonly schedules: readonly string[] };

/**
 * Finds the tasks and the schedules of a project in these folders, sorted by path: each definition with the
 * code beside it. Packages (node_modules) and folders that begin with a dot are not searched. Throws
 * ProjectError if a folder does not exist, if a definition lacks its code, if code lacks its definition, or if
 * one base name has two files of a kind.
 */
export function findFiles(directory: string, folders: readonly string[]): ProjectFiles {
  const shown = (file: string): string => relative(directory, file);
  const files = new Set(folders.flatMap((folder) => filesIn(directory, folder)));
  const definitions = byKey(files, DEFINITION, (kind) => CODE_OF[kind] ?? kind, shown);
  const code = byKey(files, CODE, (kind) => kind, shown);
  const problems = [
    ...[...definitions]
      .filter(([key]) => !code.has(key))
      .map(([key, file]) => `${shown(file)} has no code: add ${shown(key)}${ending(file)} beside it`),
    ...[...code]
      .filter(([key]) => !definitions.has(key))
      .map(([, file]) => `${shown(file)} has no definition: add it beside it, or rename the file`),
  ];
  if (problems.length > 0) throw new ProjectError(problems.join('\n'));
  return {
    tasks: [...definitions].map(([key, definition]) => ({ definition, code: code.get(key) ?? '' })),
    schedules: [...byKey(files, SCHEDULE, (kind) => kind, shown).values()],
  };
}

function filesIn(directory: string, folder: string): string[] {
  const root = join(directory, folder);
  if (!existsSync(root) || !statSync(root).isDirectory()) {
    throw new ProjectError(
      `tasks: the folder ${folder} does not exist in ${directory}. Create it, or correct the name`,
    );
  }
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.split(sep).some((part) => part === 'node_modules' || part.startsWith('.')))
    .filter((path) => !DECLARATION.test(path))
    .map((path) => join(root, path))
    .sort();
}

/** By the path of the code without its extension: `tasks/billing.send.handler`. */
function byKey(
  files: ReadonlySet<string>,
  pattern: RegExp,
  codeKind: (kind: string) => string,
  shown: (file: string) => string,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of files) {
    const { base, kind } = pattern.exec(file)?.groups ?? {};
    if (base === undefined || kind === undefined) continue;
    const key = `${base}.${codeKind(kind)}`;
    const other = found.get(key);
    if (other !== undefined)
      throw new ProjectError(`${shown(other)} and ${shown(file)} have one name: remove or rename one`);
    found.set(key, file);
  }
  return found;
}

function ending(file: string): string {
  return /\.[cm]?[jt]s$/.exec(file)?.[0] ?? '.ts';
}
