import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';

const [commands = ''] = blocksOf('docs/guides/clients.md', 'Other languages', 'sh', 1);
const [orvalConfig = ''] = blocksOf('docs/guides/clients.md', 'Other languages', 'js', 1);
const MODULES = join(import.meta.dirname, '..', '..', 'client', 'generator', 'node_modules');

/** Runs what the guide says for a generator of clients, in a folder that gets openapi.yaml. Throws if the guide does not name it. */
export function generate(folder: string, generator: string): void {
  const command = commands
    .trim()
    .split('\n')
    .find((line) => line.startsWith(`npx ${generator} `));
  if (command === undefined) throw new Error(`the guide has no command for ${generator}`);
  copyFileSync(join(ROOT, 'openapi.yaml'), join(folder, 'openapi.yaml'));
  writeFileSync(join(folder, 'orval.config.mjs'), orvalConfig);
  const given = command.split(' ').slice(2);
  execFileSync(process.execPath, [scriptOf(generator), ...given], { cwd: folder, stdio: 'pipe' });
}

function scriptOf(generator: string): string {
  const directory = join(MODULES, generator);
  const { bin } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  const [script = ''] = Object.values(bin);
  return join(directory, script);
}

/** Makes a folder a project of strict TypeScript, whose programs are compiled to `compiled` when they are to be run. */
export function strictProject(folder: string, compilerOptions: Record<string, unknown>): void {
  const modules = join(folder, 'node_modules', '@types');
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(modules, 'node'));
  const strict = { target: 'es2024', module: 'nodenext', strict: true, types: ['node'] };
  const text = { compilerOptions: { ...strict, ...compilerOptions }, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(text));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}

/** What the compiler that checks Errand has against the programs of a folder. */
export function compile(folder: string): string[] {
  const binary = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [binary], { cwd: folder, encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes('error'));
}
