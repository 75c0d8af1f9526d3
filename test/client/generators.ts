import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeBlocks, documentText, ROOT, section } from '../docs/documents.ts';

const README = section(documentText('README.md'), 'Clients in other languages');
const MODULES = join(import.meta.dirname, 'generator', 'node_modules');

/** Runs what README says for a generator of clients, in a folder that gets openapi.yaml. Throws when README does not name it. */
export function generate(folder: string, generator: string): void {
  const commands = codeBlocks(README, 'sh').flatMap((block) => block.trim().split('\n'));
  const command = commands.find((line) => line.startsWith(`npx ${generator} `));
  if (command === undefined) throw new Error(`README has no command for ${generator}`);
  copyFileSync(join(ROOT, 'openapi.yaml'), join(folder, 'openapi.yaml'));
  writeFileSync(join(folder, 'orval.config.mjs'), codeBlocks(README, 'js').join(''));
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
