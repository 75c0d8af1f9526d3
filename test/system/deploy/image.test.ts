import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';
import {
  buildsDashboard,
  builtDashboard,
  command,
  copied,
  copiedForDashboard,
  environment,
  healthCheck,
  ROOT,
} from './dockerfile.ts';

type Lock = { packages: Record<string, { dev?: boolean; optional?: boolean }> };

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};
/** npm installs peers as well. */
const installed = { ...manifest.dependencies, ...manifest.peerDependencies };
const database = await createDatabase();
const image = mkdtempSync(join(tmpdir(), 'errand-image-'));
afterAll(() => rmSync(image, { recursive: true }));

/** What the image will hold: the files that it copies, and the packages that are neither development nor optional dependencies. */
function buildImage(): void {
  for (const path of copied.filter((one) => existsSync(join(ROOT, one))))
    cpSync(join(ROOT, path), join(image, path), { recursive: true });
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    const source = join(ROOT, path);
    // A package inside of another comes along with that.
    if (path === '' || dev || optional || path.includes('/node_modules/') || !existsSync(source)) continue;
    mkdirSync(dirname(join(image, path)), { recursive: true });
    // Never symbolic links: from behind one a package would find all that is installed here.
    execFileSync('cp', ['-a', source, join(image, path)]);
  }
}

/** As a path from this checkout, which is where processes of tests are started. */
function inImage(script: string): string {
  return relative(ROOT, join(image, script));
}

/** An API key that is made by what the image has, as somebody does who has nothing else. */
async function mintKey(): Promise<{ key: string; entry: object }> {
  const flags = ['--api-key', '--id', 'ci', '--namespaces', '*', '--scopes', 'read,submit', '--json'];
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [join(image, 'api/auth/mint.ts'), ...flags], {
    env: { ...process.env, ...environment },
  });
  return JSON.parse(stdout) as { key: string; entry: object };
}

function isHealthy(ports: Record<string, string>): Promise<boolean> {
  const [, ...args] = healthCheck;
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: ports }, (error) => resolve(error === null));
  });
}

test('the image needs nothing but what it copies and installs: it migrates, serves and runs tasks', async () => {
  buildImage();
  const migration = launch(inImage('process/migrate.ts'), { DATABASE_URL: database.url, ...environment });
  expect([await migration.exited, migration.output()]).toEqual([
    0,
    expect.stringContaining('the schema is up to date'),
  ]);
  const [, main = ''] = command;
  const { key, entry } = await mintKey();
  const API_KEYS = JSON.stringify([entry]);
  const api = await startProcess(inImage(main), database.url, { ...environment, API_KEYS });
  const runner = await startProcess(inImage('runner/main.ts'), database.url, environment);
  const send = (path: string, payload: object, headers?: Record<string, string>) =>
    call(api.url, 'POST', path, { payload }, headers);
  const text = { text: 'Call me Ishmael.' };
  expect((await send('/v1/tasks/text.count_words', text)).status).toBe(401);
  const answer = await send('/v1/tasks/text.count_words?wait=20', text, { 'x-api-key': key });
  expect(answer.body.task).toMatchObject({ state: 'succeeded', result: { words: 3 } });
  expect((await send('/v1/tasks/example.echo', {}, { 'x-api-key': key })).status).toBe(404);

  const [apiPort, runnerPort] = [api, runner].map(({ url }) => new URL(url).port) as [string, string];
  expect(await isHealthy({ SERVER_PORT: apiPort, RUNNER_PORT: '9' })).toBe(true);
  expect(await isHealthy({ SERVER_PORT: '9', RUNNER_PORT: runnerPort })).toBe(true);
  expect(await isHealthy({ SERVER_PORT: '9', RUNNER_PORT: '9' })).toBe(false);

  for (const { child } of [api, runner]) child.kill('SIGTERM');
  expect(await Promise.all([api.exited, runner.exited])).toEqual([0, 0]);
});

test('what the image runs imports no development dependency, lazily neither', () => {
  const scripts = globSync(
    copied.map((folder) => `${folder}/**/*.ts`),
    { cwd: ROOT },
  );
  const packages = scripts.flatMap((script) => {
    const source = readFileSync(join(ROOT, script), 'utf8').replaceAll(/^(im|ex)port type .*$/gm, '');
    const found = source.matchAll(/(?:from |import |import\()'((?:@[^/']+\/)?[^/'.][^/']*)[^']*'/g);
    return [...found].map(([, name = '']) => ({ script, name }));
  });
  expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(['express', 'pg', 'zod']));
  const foreign = packages.filter(
    ({ name }) => !name.startsWith('node:') && !builtinModules.includes(name) && !(name in installed),
  );
  expect(foreign).toEqual([]);
});

test('what the image copies gets past .dockerignore', () => {
  const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8').matchAll(/^!(.+)$/gm);
  const needed = new Set([...copied, ...copiedForDashboard, 'package-lock.json', 'tsconfig.json']);
  expect([...allowed].map(([, path]) => path).sort()).toEqual([...needed].sort());
});

test('the stage of the dashboard builds it from what it copies', () => {
  const stage = mkdtempSync(join(tmpdir(), 'errand-stage-'));
  onTestFinished(() => rmSync(stage, { recursive: true }));
  for (const path of [...copiedForDashboard, 'package.json', 'package-lock.json', 'tsconfig.json']) {
    // What was built in this checkout stays here, as .dockerignore says.
    const isSource = (source: string): boolean => !source.startsWith(join(ROOT, 'dashboard', 'dist'));
    cpSync(join(ROOT, path), join(stage, path), { recursive: true, filter: isSource });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(stage, 'node_modules'));
  const [program, ...flags] = buildsDashboard.split(' ');
  expect(program).toBe('node');
  execFileSync(process.execPath, flags, { cwd: stage });
  expect(readFileSync(join(stage, 'dashboard/dist/index.html'), 'utf8')).toContain('./assets/');
  expect(builtDashboard).toBe('dashboard/dist');
});
