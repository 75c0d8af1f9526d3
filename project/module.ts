import { pathToFileURL } from 'node:url';
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
    const reason = error instanceof Error ? error.message : String(error);
    // Definitions name their file themselves.
    throw new ProjectError(reason.includes(shown) ? reason : `${shown} cannot be loaded: ${reason}`, {
      cause: error,
    });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
