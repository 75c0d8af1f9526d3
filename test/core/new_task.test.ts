import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { call } from '../support/api.ts';
import { createDatabase } from '../support/database.ts';
import { startProcess } from '../support/processes.ts';

// «A new task is its definition, its handler and a line in each list» (T1), tried in a copy of this repository.

const ROOT = join(import.meta.dirname, '..', '..');
/** What the program is not made of. */
const LEFT_OUT = ['.git', '.errand', '.env', 'coverage', 'docs', 'node_modules', 'test'].map((name) =>
  join(ROOT, name),
);

const DEFINITION = `
import { z } from 'zod';
import { defineTask } from '../core/task.ts';

export const greet = defineTask({
  name: 'hotel.greet',
  version: '1',
  description: 'Greets a guest',
  payload: z.object({ guest: z.string(), times: z.int().default(2) }),
  result: z.object({ greeting: z.string() }),
  example: { guest: 'Ishmael' },
});
`;
const HANDLER = `
import { defineHandler } from '../core/task.ts';
import { greet } from './hotel.greet.task.ts';

export default defineHandler(greet, ({ guest, times }) => ({ greeting: 'Ahoy '.repeat(times) + guest }));
`;

const WORKFLOW = `
import { z } from 'zod';
import { defineWorkflow, step } from '../core/workflow.ts';
import { greet } from './hotel.greet.task.ts';

export const welcome = defineWorkflow({
  name: 'hotel.welcome',
  version: '1',
  description: 'Greets a guest twice',
  payload: z.object({ guest: z.string() }),
  steps: { first: step({ run: greet }), second: step({ after: ['first'], run: greet }) },
  example: { guest: 'Ishmael' },
});
`;

const copy = mkdtempSync(join(tmpdir(), 'errand-new-task-'));
cpSync(ROOT, copy, { recursive: true, filter: (source) => !LEFT_OUT.includes(source) });
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(join(copy, 'tasks'), { recursive: true, force: true });
  cpSync(join(ROOT, 'tasks'), join(copy, 'tasks'), { recursive: true });
  writeFileSync(join(copy, 'tasks', 'hotel.greet.task.ts'), DEFINITION);
  addLine(
    'index.ts',
    'import { createRegistry',
    "import { greet } from './hotel.greet.task.ts';\nimport { createRegistry",
  );
  addLine('index.ts', 'definitions = [', 'definitions = [greet, ');
});

function addLine(file: string, place: string, replacement: string): void {
  const path = join(copy, 'tasks', file);
  const text = readFileSync(path, 'utf8');
  expect(text.split(place)).toHaveLength(2);
  writeFileSync(path, text.replace(place, replacement));
}

function addWorkflow(line: string): void {
  writeFileSync(join(copy, 'tasks', 'hotel.welcome.workflow.ts'), WORKFLOW);
  addLine('index.ts', '[greet, ', '[greet, welcome, ');
  addLine(
    'index.ts',
    'import { greet',
    "import { welcome } from './hotel.welcome.workflow.ts';\nimport { greet",
  );
  addLine('handlers.ts', "'hotel.greet': ", `${line}\n  'hotel.greet': `);
}

function addHandler(handler: string): void {
  writeFileSync(join(copy, 'tasks', 'hotel.greet.handler.ts'), handler);
  addLine(
    'handlers.ts',
    'handlers: Handlers = {',
    "handlers: Handlers = {\n  'hotel.greet': () => import('./hotel.greet.handler.ts'),",
  );
}

/** What the compiler says of the tasks in the copy. */
async function compile(): Promise<string> {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, '--noEmit', '--pretty', 'false'], { cwd: copy }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  return output
    .split('\n')
    .filter((line) => line.startsWith('tasks/'))
    .join('\n');
}

test('a definition without a handler does not compile', async () => {
  const errors = await compile();
  expect(errors).toMatch(/^tasks\/handlers\.ts.*'"hotel\.greet"' is missing/);
});

test('nor does the handler of another task, or the code of another workflow', async () => {
  addHandler("export { default } from './example.sleep.handler.ts';");
  addWorkflow("'hotel.welcome': () => import('./example.mixed.steps.ts'),");
  const errors = await compile();
  expect(errors).toMatch(/^tasks\/handlers\.ts.*hotel\.greet\.handler.*not assignable/m);
  expect(errors).toMatch(/^tasks\/handlers\.ts.*example\.mixed\.steps.*not assignable.*hotel\.welcome/m);
});

test('with it, it compiles, and API, document and runner know the task', async () => {
  addHandler(HANDLER);
  expect(await compile()).toBe('');
  const database = await createDatabase();
  const script = (path: string): string => relative(ROOT, join(copy, path));
  const [api] = await Promise.all([
    startProcess(script('api/main.ts'), database.url),
    startProcess(script('runner/main.ts'), database.url),
  ]);
  const document = await call(api.url, 'GET', '/openapi.yaml');
  expect(document.text).toContain('/v1/tasks/hotel.greet:');
  const body = { payload: { guest: 'Queequeg' } };
  const submitted = await call(api.url, 'POST', '/v1/tasks/hotel.greet?wait=20', body);
  expect(submitted.body).toMatchObject({
    created: true,
    task: { state: 'succeeded', result: { greeting: 'Ahoy Ahoy Queequeg' } },
  });
  const refused = await call(api.url, 'POST', '/v1/tasks/hotel.greet', { payload: { guest: 7 } });
  expect([refused.status, refused.body.code]).toEqual([400, 'VALIDATION_FAILED']);
});
