import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Folders that are not the project's own: those of git, installed packages, and what processes and
 * tests leave behind.
 */
const FOREIGN = new Set(['.git', '.errand', 'coverage', 'node_modules']);
/** The same inside of packages in this repository: installed packages, and built files. */
const FOREIGN_BELOW = /(^|\/)(node_modules|dist)\//;

/** The files of a checkout, as paths relative to it. */
export function projectFiles(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => !FOREIGN.has(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(root, entry.name) : [entry.name]))
    .sort();
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !FOREIGN_BELOW.test(file));
}
