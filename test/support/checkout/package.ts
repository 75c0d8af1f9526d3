import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { noteBuild, noteCopy } from '../../covered/copies.ts';
import { ROOT } from './documents.ts';
import { copySources, succeed } from './newcomer.ts';

const MODULES = join(ROOT, 'node_modules');

/** Builds the package in a copy of the sources, because others may build here too. Gives the folder of the copy. */
export async function buildPackage(folder: string): Promise<string> {
  const checkout = join(folder, 'checkout');
  copySources(checkout);
  symlinkSync(MODULES, join(checkout, 'node_modules'));
  noteCopy(checkout);
  await succeed(`${process.execPath} package/build.ts`, checkout);
  noteBuild(join(checkout, 'dist'));
  return checkout;
}

/**
 * Gives a project the built package, and every package of this checkout: by a link to each, so that nothing is
 * fetched or copied.
 */
export function installPackage(built: string, project: string): void {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'errand'), { recursive: true });
  for (const part of ['package.json', 'bin', 'dist'])
    cpSync(join(built, part), join(modules, 'errand', part), { recursive: true });
  mkdirSync(join(modules, '.bin'));
  symlinkSync(join('..', 'errand', 'bin', 'errand.js'), join(modules, '.bin', 'errand'));
  for (const name of readdirSync(MODULES))
    if (!name.startsWith('.') && name !== 'errand') symlinkSync(join(MODULES, name), join(modules, name));
}
