import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { blocksOf, documentText, ROOT } from '../../support/checkout/documents.ts';
import { type } from '../../support/checkout/newcomer.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';

const database = await createDatabase();
const [short = ''] = blocksOf('docs/guides/clients.md', 'TypeScript and JavaScript', 'ts', 1);
const [installation = ''] = blocksOf('client/README.md', '', 'sh', 1);
const blocks = [
  ...blocksOf('client/README.md', '', 'ts', 1),
  ...blocksOf('client/README.md', 'Types', 'ts', 1),
  ...blocksOf('client/README.md', 'Calls', 'ts', 1),
  ...blocksOf('client/README.md', 'When something goes wrong', 'ts', 1),
  // It stands at the top of the checkout.
  short.replace('./tasks/', '../tasks/'),
];

type Manifest = {
  name: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const manifestOf = (text: string): Manifest => JSON.parse(text) as Manifest;
const { dependencies } = manifestOf(documentText('client/package.json'));
const { devDependencies } = manifestOf(documentText('package.json'));

/** Compiles a project against what it has installed. `types` are those of its surroundings. */
const tsconfig = (surroundings: object): string =>
  JSON.stringify({
    compilerOptions: {
      ...{ target: 'es2024', module: 'nodenext', strict: true },
      ...{ noEmit: true, allowImportingTsExtensions: true, erasableSyntaxOnly: true },
      ...surroundings,
    },
    include: ['src'],
  });

/** The package, as npm would publish it: packed in a copy, as that builds it. Gives its file. */
async function pack(folder: string): Promise<string> {
  const checkout = join(folder, 'checkout');
  cpSync(join(ROOT, 'client'), join(checkout, 'client'), {
    recursive: true,
    filter: (source) => !/\/(dist|node_modules)$/.test(source),
  });
  cpSync(join(ROOT, 'package'), join(checkout, 'package'), { recursive: true });
  cpSync(join(ROOT, 'tsconfig.json'), join(checkout, 'tsconfig.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  const packing = type(`npm pack --silent --pack-destination ${folder}`, join(checkout, 'client'));
  expect([await packing.exited, packing.output()]).toEqual([
    0,
    expect.stringMatching(/^errand-client-\S+\.tgz$/m),
  ]);
  expect(readdirSync(join(checkout, 'client'))).not.toContain('dist');
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (file === undefined) throw new Error('npm has packed nothing');
  return join(folder, file);
}

/** Installs it into an empty project, with what it depends on and what a project in TypeScript has. */
async function install(file: string, project: string): Promise<void> {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  const flags = '--no-audit --no-fund --prefer-offline';
  const types = `@types/node@${devDependencies['@types/node']}`;
  const installing = type(`npm install ${flags} ${file} ${types}`, project);
  const how = await installing.exited;
  if (how !== 0) throw new Error(`npm install ended with ${how}:\n${installing.output()}`);
  // What README's second block reads its types from. Nothing of it is there at run time.
  mkdirSync(join(project, 'tasks'));
  const definitions = join(ROOT, 'tasks', 'index.ts');
  writeFileSync(join(project, 'tasks', 'index.ts'), `export type { definitions } from '${definitions}';\n`);
}

const folder = scratchFolder(0o755);
const project = join(folder, 'project');
let packed = '';

beforeAll(async () => {
  packed = await pack(folder);
  await install(packed, project);
  mkdirSync(join(project, 'src'));
  return () => removeScratch(folder);
});

/** What the compiler has against the project. */
function compile(): string {
  const binary = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return spawnSync(process.execPath, [binary, '--project', project], { encoding: 'utf8' }).stdout;
}

/** Runs a program of the project on an API, and gives what it wrote. */
async function run(program: string, url: string): Promise<string> {
  const file = join(project, 'src', program);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('http://localhost:8080', url));
  // Not synchronously: the API writes its log to this process, and stands still when nobody reads it.
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: project, timeout: 60_000 });
  return stdout;
}

test('it depends on what Errand itself has, in the same versions, and on nothing of Errand', () => {
  const root = manifestOf(documentText('package.json')).dependencies;
  for (const [name, version] of Object.entries(dependencies))
    expect([name, root[name]]).toEqual([name, version]);
  const listed = execFileSync('tar', ['-tzf', packed], { encoding: 'utf8' }).trim().split('\n');
  expect(listed).toEqual(
    expect.arrayContaining(['package/package.json', 'package/README.md', 'package/dist/index.js']),
  );
  expect(
    listed.filter(
      (name) => !/^package\/(dist\/(\w+\/)?\w+\.(js|d\.ts)|package\.json|README\.md)$/.test(name),
    ),
  ).toEqual([]);
  for (const name of listed.filter((one) => one.endsWith('.js'))) {
    const text = readFileSync(join(project, name.replace(/^package/, 'node_modules/@errand/client')), 'utf8');
    for (const [, from = ''] of text.matchAll(/\bfrom '([^']+)'/g)) {
      const isOwn = from.startsWith('.') && listed.includes(posix.join(posix.dirname(name), from));
      expect([name, from, isOwn || from in dependencies]).toEqual([name, from, true]);
    }
  }
});

test('its README names the file that npm packs', () => {
  expect(installation).toBe(`cd client && npm pack\nnpm install ./${basename(packed)}\n`);
});

test('its types are whole, where there is Node and where there are only web standards', () => {
  const program = `
    import { createClient, type TaskRecord } from '@errand/client';
    type Tasks = { 'billing.send_invoice': { payload: { invoice: string }; result: { sent: boolean } } };
    const client = createClient<Tasks>({ baseUrl: 'http://localhost:8080' });
    export const sent: Promise<boolean> = client
      .submit('billing.send_invoice', { invoice: 'i-1' })
      .then((task) => client.wait(task))
      .then(({ result }) => result.sent);
    // @ts-expect-error the invoice is missing
    client.submit('billing.send_invoice', {});
    export const attempts = ({ attempts }: TaskRecord): number => attempts.length;`;
  writeFileSync(join(project, 'src', 'program.ts'), program);
  const dom = { lib: ['es2024', 'dom', 'dom.iterable', 'dom.asynciterable'], types: [] };
  for (const surroundings of [{ types: ['node'] }, dom]) {
    writeFileSync(join(project, 'tsconfig.json'), tsconfig(surroundings));
    expect(compile()).toBe('');
  }
  writeFileSync(join(project, 'src', 'program.ts'), program.replace(`invoice: 'i-1'`, 'invoice: 1'));
  expect(compile()).toContain(`Type 'number' is not assignable to type 'string'`);
  writeFileSync(join(project, 'src', 'program.ts'), '');
});

test('the code of its README, and of the guide, compiles and does what it says', async () => {
  for (const [index, block] of blocks.entries())
    writeFileSync(join(project, 'src', `block${index}.ts`), block);
  // As in the checkout that the definitions are from.
  writeFileSync(join(project, 'tsconfig.json'), tsconfig({ types: ['node'], skipLibCheck: true }));
  expect(compile()).toBe('');
  const api = await startProcess('api/main.ts', database.url);
  await startProcess('runner/main.ts', database.url);
  const said: string[] = [];
  for (const index of blocks.keys()) said.push(await run(`block${index}.ts`, api.url));
  expect(said[0]).toContain(`{ words: 3, characters: 16, longest_word: 'Ishmael' }`);
  expect(documentText('client/README.md')).toContain(`\`${said[0]?.trim()}\``);
  expect(said[1]?.trim().split('\n')).toEqual([
    '3 words, years is the longest',
    `{ path: '/body/payload/text', message: 'must be string, got 7' }`,
    '14',
  ]);
  expect(said[2]).toContain('2500 of 2500\n2500 2500 0 0\n2500 tasks\n');
  expect(said[2]).toMatch(/succeeded null\n\[.*'failed'.*\]\n$/);
  expect(said.slice(3)).toEqual(['no luck\n', 'Ishmael\n']);
});
