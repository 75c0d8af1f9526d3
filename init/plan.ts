import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeManifest } from './manifest.ts';
import type { Installer, Surroundings } from './surroundings.ts';

/** A file that `errand init` writes, changes, or keeps because it exists. */
export type PlannedFile = {
  readonly path: string;
  readonly what: 'write' | 'change' | 'keep';
  /** The new text; empty for files that are kept. */
  readonly text: string;
  /** What is added to a file that exists. */
  readonly added: readonly string[];
};

export type Plan = { readonly files: readonly PlannedFile[]; readonly remarks: readonly string[] };

const TEMPLATES = join(import.meta.dirname, 'templates');
const ENV_EXAMPLE = join(import.meta.dirname, '..', '.env.example');
const IGNORED = ['node_modules/', '.errand/', '.env'];

/** How an image installs what production needs. */
const INSTALL: Record<Installer, { lock: string; command: string }> = {
  npm: { lock: 'package-lock.json', command: 'npm ci --omit=dev --no-audit --no-fund' },
  pnpm: { lock: 'pnpm-lock.yaml', command: 'corepack enable && pnpm install --prod --frozen-lockfile' },
  yarn: { lock: 'yarn.lock', command: 'corepack enable && yarn install --production --frozen-lockfile' },
};

/** Decides what to write for a first task of this name. Reads files and changes nothing. */
export function planFiles(surroundings: Surroundings, name: string): Plan {
  const { directory, ext, packages, installer, isInWorkspace } = surroundings;
  const { lock, command } = INSTALL[installer];
  const values = {
    name,
    ext,
    variable: variableOf(name),
    manifests: isInWorkspace ? 'package.json' : `package.json ${lock}`,
    install: isInWorkspace ? 'npm install --omit=dev --no-audit --no-fund' : command,
  };
  const fill = (template: string): string => filled(template, values);
  const test = packages.has('vitest') ? 'vitest' : 'node_test';
  const fresh: [path: string, text: string][] = [
    [`errand.config.${ext}`, fill('errand.config')],
    [`tasks/${name}.task.${ext}`, fill('task')],
    [`tasks/${name}.handler.${ext}`, fill('handler')],
    [`tasks/${name}.test.${ext}`, fill(test)],
    ['tsconfig.json', fill('tsconfig')],
    ['.env.example', envExample()],
    ['Dockerfile', fill('dockerfile')],
    ['.dockerignore', fill('dockerignore')],
    ['docker-compose.yml', fill('compose')],
  ];
  const files = fresh.map(([path, text]): PlannedFile => {
    const exists = existsSync(join(directory, path));
    return { path, what: exists ? 'keep' : 'write', text: exists ? '' : text, added: [] };
  });
  return {
    files: [...files, packageJson(surroundings), gitignore(directory)],
    remarks: remarksOn(directory),
  };
}

function filled(template: string, values: Record<string, string>): string {
  return readFileSync(join(TEMPLATES, `${template}.template`), 'utf8').replaceAll(
    /\{\{(\w+)\}\}/g,
    (_all, key: string) => values[key] ?? '',
  );
}

/** `billing.send_invoice` → `sendInvoice` */
function variableOf(name: string): string {
  const last = name.slice(name.lastIndexOf('.') + 1);
  const camel = last.replaceAll(
    /[_-]+([a-z0-9])?/g,
    (_all, letter: string | undefined) => letter?.toUpperCase() ?? '',
  );
  // A definition with the name of a keyword, such as mail.delete, would not compile.
  return `${camel}Task`;
}

function envExample(): string {
  const [, ...lines] = readFileSync(ENV_EXAMPLE, 'utf8').split('\n');
  return [
    '# Copy this file to .env and remove the # before each value that you want to change.',
    ...lines,
  ].join('\n');
}

function packageJson(surroundings: Surroundings): PlannedFile {
  const { text, added } = changeManifest(surroundings);
  const before = surroundings.manifest?.text;
  if (before === undefined) return { path: 'package.json', what: 'write', text, added: [] };
  return { path: 'package.json', what: added.length === 0 ? 'keep' : 'change', text, added };
}

function gitignore(directory: string): PlannedFile {
  const file = join(directory, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const present = new Set(before.split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, '')));
  const added = IGNORED.filter((line) => !present.has(line.replace(/\/$/, '')));
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  const text = `${before}${gap}${added.map((line) => `${line}\n`).join('')}`;
  if (before === '') return { path: '.gitignore', what: 'write', text, added: [] };
  return { path: '.gitignore', what: added.length === 0 ? 'keep' : 'change', text, added };
}

function remarksOn(directory: string): string[] {
  const file = join(directory, 'tsconfig.json');
  if (!existsSync(file)) return [];
  const takesEndings = /"(allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/;
  if (takesEndings.test(readFileSync(file, 'utf8'))) return [];
  return [
    'tsconfig.json: Node runs the TypeScript files as they are, so their imports end in .ts. Set ' +
      'allowImportingTsExtensions with noEmit, or rewriteRelativeImportExtensions.',
  ];
}
