import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentText, ROOT } from '../../support/checkout/documents.ts';
import { succeed } from '../../support/checkout/newcomer.ts';
import { packed } from '../../support/checkout/packed.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';

type Manifest = { exports: Record<string, unknown>; devDependencies: Record<string, string> };
const { exports, devDependencies } = JSON.parse(documentText('package.json')) as Manifest;
/** What a project imports: `errand`, `errand/client`, … */
const ENTRIES = Object.keys(exports)
  .filter((entry) => entry !== './package.json')
  .map((entry) => entry.replace(/^\./, 'errand'));
const COMPILERS = {
  '5.9': join(ROOT, 'test', 'client', 'generator', 'node_modules', 'typescript'),
  '7': join(ROOT, 'node_modules', 'typescript'),
};
/** Packages that tests install, in the versions of this repository where it has them. */
const WITH = [`zod@${devDependencies.zod}`, `@types/node@${devDependencies['@types/node']}`];
const FLAGS = '--no-audit --no-fund --prefer-offline';

const scratch = scratchFolder(0o755);
let file = '';
let project = '';

beforeAll(async () => {
  file = await packed();
  project = emptyProject('npm', 'module');
  await succeed(`npm install ${FLAGS} ${file} ${WITH.join(' ')}`, project);
});
afterAll(() => removeScratch(scratch));

function emptyProject(name: string, type: 'module' | 'commonjs'): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', private: true, type }),
  );
  return folder;
}

/** A project beside the first one, with the same packages. */
function neighbour(name: string, type: 'module' | 'commonjs'): string {
  const folder = emptyProject(name, type);
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

const DEFINITION = `
import { defineHandler, defineTask } from 'errand';
import { createClient, type TasksOf } from 'errand/client';
import { z } from 'zod';

export const greet = defineTask({
  name: 'shop.greet',
  version: '1.0.0',
  description: 'Greets.',
  payload: z.strictObject({ name: z.string() }),
  result: z.strictObject({ text: z.string() }),
  example: { name: 'Ann' },
});
export const handler = defineHandler(greet, ({ name }, context) => {
  context.log.info({ name }, 'greeting');
  return { text: name.toUpperCase() };
});
const client = createClient<TasksOf<readonly [typeof greet]>>({ baseUrl: 'http://localhost:8080' });
export async function useIt(): Promise<string> {
  const task = await client.submit('shop.greet', { name: 'Bea' });
  // @ts-expect-error a name is a text
  await client.submit('shop.greet', { name: 7 });
  return (await client.wait(task)).result.text;
}
`;

/** Imports that the compiler resolves, but a project uses only one of. */
const ALL = ENTRIES.map((entry, index) => `export * as e${index} from '${entry}';`).join('\n');

function compile(compiler: keyof typeof COMPILERS, folder: string): string {
  const binary = join(COMPILERS[compiler], 'bin', 'tsc');
  return spawnSync(process.execPath, [binary, '--project', folder], { encoding: 'utf8' }).stdout;
}

test('the package has what it needs and nothing else', () => {
  const listed = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
  const top = new Set(listed.map((path) => path.split('/')[1]));
  expect([...top].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
  const rooms = new Set(
    listed.filter((path) => path.startsWith('package/dist/')).map((path) => path.split('/')[2]),
  );
  for (const room of ['test', 'bench', 'demo', '.ci', 'docs']) expect(rooms).not.toContain(room);
  expect(listed.some((path) => path.endsWith('dist/migrations/schema.sql'))).toBe(true);
  for (const script of listed.filter(
    (path) => path.endsWith('.js') && path.includes('/dist/') && !path.includes('/dashboard/'),
  ))
    expect(listed).toContain(`${script}.map`);
});

test('publint and are-the-types-wrong have nothing against it', () => {
  const checks = [
    ['publint', 'src/cli.js', 'run', file, '--strict'],
    ['@arethetypeswrong/cli', 'dist/index.js', file, '--profile', 'esm-only', '--format', 'table-flipped'],
  ];
  for (const [name = '', script = '', ...args] of checks) {
    const checked = spawnSync(process.execPath, [join(ROOT, 'node_modules', name, script), ...args], {
      encoding: 'utf8',
    });
    expect([name, checked.status, checked.stdout + checked.stderr]).toEqual([name, 0, expect.any(String)]);
  }
});

describe.each(['5.9', '7'] as const)(
  'under TypeScript %s, strict, with its libraries checked',
  (compiler) => {
    test.each(['module', 'commonjs'] as const)('a project of type %s compiles', (type) => {
      const folder = neighbour(`types-${compiler}-${type}`, type);
      writeFileSync(join(folder, 'greet.ts'), DEFINITION);
      writeFileSync(join(folder, 'all.ts'), ALL);
      const options = { target: 'es2024', module: 'nodenext', strict: true, types: ['node'], noEmit: true };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }));
      expect(compile(compiler, folder)).toBe('');
    });
  },
);

test.each(['22.18.0', '26.10.0'])('Node %s imports and requires each entry', async (version) => {
  const home = join(scratch, `node-${version}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }');
  await succeed(`npm install ${FLAGS} node@${version}`, home);
  const node = join(home, 'node_modules', 'node', 'bin', 'node');
  const script = `${ENTRIES.map((entry) => `require('${entry}');`).join(' ')}
    Promise.all(${JSON.stringify(ENTRIES)}.map((entry) => import(entry))).then((all) => {
      if (all[0].defineTask !== require('errand').defineTask) throw new Error('loaded twice');
      console.log(process.versions.node, Object.keys(all[0]).length > 5);
    });`;
  const ran = spawnSync(node, ['--eval', script], { cwd: project, encoding: 'utf8' });
  expect([ran.status, ran.stderr, ran.stdout]).toEqual([
    0,
    '',
    expect.stringMatching(/^\d+\.\d+\.\d+ true\n$/),
  ]);
});

test('an old Node gets one sentence, by the command and by npm start', () => {
  const old = '/usr/bin/node';
  if (
    !existsSync(old) ||
    execFileSync(old, ['-p', 'process.versions.node.split(".")[0] < 22'], { encoding: 'utf8' }).trim() !==
      'true'
  )
    return;
  const ran = spawnSync(old, [join(project, 'node_modules', '.bin', 'errand'), 'start'], {
    encoding: 'utf8',
  });
  expect([ran.status, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(
    /^Errand needs Node 22\.18 or newer, and this is Node [\d.]+\. Install a newer Node.*\n$/,
  );
});

test.each([
  ['pnpm', (pack: string) => `npx --yes pnpm@10.23.0 add ${pack} ${WITH.join(' ')}`],
  ['yarn', (pack: string) => `npx --yes yarn@1.22.22 add --ignore-engines ${pack} ${WITH.join(' ')}`],
])('%s installs it', async (name, command) => {
  const folder = emptyProject(name, 'module');
  await succeed(command(file), folder);
  const script = `import { defineTask } from 'errand'; import { createClient } from 'errand/client'; console.log(typeof defineTask, typeof createClient);`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([ran.stdout, ran.stderr]).toEqual(['function function\n', '']);
});

test('the client alone is under 30 KB compressed, without anything of a server', async () => {
  const { build } = await import('vite');
  const folder = neighbour('bundle', 'module');
  writeFileSync(join(folder, 'main.js'), `export { createClient } from 'errand/client';`);
  const outDir = join(folder, 'out');
  await build({
    root: folder,
    logLevel: 'silent',
    build: {
      lib: { entry: join(folder, 'main.js'), formats: ['es'], fileName: 'client' },
      outDir,
      minify: true,
    },
  });
  const bundle = readFileSync(join(outDir, 'client.js'));
  expect(bundle.toString()).not.toMatch(/graphile|express|node:/);
  expect(gzipSync(bundle).length).toBeLessThan(30_000);
});
