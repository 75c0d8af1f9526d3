import { dirname, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ProjectError } from './config.ts';

/**
 * Imports a file of the project. Gives its exports; those of a CommonJS module that was compiled from an ES
 * module are taken from inside. Throws ProjectError with the file's name and the reason.
 */
export async function importModule(file: string, shown: string): Promise<Record<string, unknown>> {
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(file).href);
    const { default: inner } = module;
    return isObject(inner) && inner.__esModule === true ? inner : module;
  } catch (error) {
    if (error instanceof ProjectError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const place = placeOf(error, file.endsWith(shown) ? file.slice(0, -shown.length) : dirname(file));
    const at = place === undefined ? '' : `\n  at ${place}`;
    // Definitions name their file themselves.
    throw new ProjectError(
      `${reason.includes(shown) ? reason : `${shown} cannot be loaded: ${reason}`}${at}`,
      {
        cause: error,
      },
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const ERRAND = dirname(import.meta.dirname) + sep;
/** In a frame of a stack, or in the line that Node puts before the code of a syntax error. */
const PLACE = /(?:^|\(|at )((?:file:\/\/)?\/[^():]+(?:\([^)]*\)[^():]*)*):(\d+)(?::(\d+))?\)?$/gm;
/** The code of a syntax error and the marks below it. */
const MARKED = /^(?:file:\/\/)?[^\n]+:\d+\n(?:[^\n]*\n)*?( *)\^/;

/**
 * The line of the project that an error comes from, as `tasks/a.task.ts:3:7`. Undefined if no line of its stack
 * is below `directory`.
 */
function placeOf(error: unknown, directory: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const [, where = '', line, column] of stack.matchAll(PLACE)) {
    const file = where.startsWith('file://') ? fileURLToPath(where) : where;
    const isForeign = file.includes(`${sep}node_modules${sep}`) || file.startsWith(ERRAND);
    if (isForeign || !file.startsWith(sep)) continue;
    const marked = MARKED.exec(stack)?.[1];
    const at = column ?? (marked === undefined ? undefined : marked.length + 1);
    return `${relative(directory, file)}:${line}${at === undefined ? '' : `:${at}`}`;
  }
  return undefined;
}
