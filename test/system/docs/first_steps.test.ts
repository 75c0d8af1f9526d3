import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { addToLists, copyOfCheckout } from '../../support/checkout/copy_with_tasks.ts';
import { blocksOf, documentText, ROOT, section } from '../../support/checkout/documents.ts';
import { succeed, type } from '../../support/checkout/newcomer.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';
import { type GuideShell, shellFor } from './guide_shell.ts';

// A new task is its definition, its handler and a line in each list (specification T1): README's task and README's workflow, in one copy of this checkout, which is checked and started once for both.

const database = await createDatabase();

const [definition = '', handler = '', importLine = '', handlerLine = ''] = blocksOf(
  'README.md',
  'Your first task',
  'ts',
  4,
);
const [submitTask = ''] = blocksOf('README.md', 'Your first task', 'sh', 1);
const [handlerTest = ''] = blocksOf('docs/guides/tasks-and-handlers.md', 'Test a handler', 'ts', 1);
const [graph = '', steps = ''] = blocksOf('README.md', 'Your first workflow', 'ts', 2);
const [submitWorkflow = ''] = blocksOf('README.md', 'Your first workflow', 'sh', 1);
const [submitFailing = '', resolve = ''] = blocksOf('docs/guides/workflows.md', 'When a step fails', 'sh', 2);
const [shown = ''] = blocksOf('docs/guides/workflows.md', 'When a step fails', 'json', 1);
const testing = section(documentText('docs/guides/tasks-and-handlers.md'), 'Test a handler');

/** The files that a section of README names, in order: `tasks/text.…`. */
function filesNamedIn(heading: string): string[] {
  const named = section(documentText('README.md'), heading).matchAll(/`(tasks\/[\w.]+\.ts)`/g);
  return [...new Set([...named].map(([, file = '']) => file))];
}

/** Does README's steps in a copy of this checkout, up to the commands. */
function followReadme(folder: string): void {
  const [definitionFile = '', handlerFile = '', index = '', handlers = ''] = filesNamedIn('Your first task');
  writeFileSync(join(folder, definitionFile), definition);
  writeFileSync(join(folder, handlerFile), handler);
  const lists = { index: join(folder, index), handlers: join(folder, handlers) };
  addToLists(lists, { importLine, handlerLine });

  const [graphFile = '', stepsFile = ''] = filesNamedIn('Your first workflow');
  writeFileSync(join(folder, graphFile), graph);
  writeFileSync(join(folder, stepsFile), steps);
  const local = (file: string): string => file.replace('tasks/', './');
  addToLists(lists, {
    importLine: `import { longest } from '${local(graphFile)}';\n`,
    handlerLine: `  'text.longest': () => import('${local(stepsFile)}'),\n`,
  });
}

/** What the compiler says of these folders and files of a copy. */
async function compile(folder: string, ...include: string[]): Promise<string> {
  writeFileSync(join(folder, 'tsconfig.some.json'), JSON.stringify({ extends: './tsconfig.json', include }));
  const typed = type('node_modules/.bin/tsc --pretty false --project tsconfig.some.json', folder);
  await typed.exited;
  return typed.output();
}

/** Another copy of the tasks of a folder, with a changed list of handlers. Gives its name. */
function tasksWith(folder: string, name: string, change: (handlers: string) => string): string {
  cpSync(join(folder, 'tasks'), join(folder, name), { recursive: true });
  const handlers = join(folder, name, 'handlers.ts');
  const before = readFileSync(handlers, 'utf8');
  writeFileSync(handlers, change(before));
  expect(readFileSync(handlers, 'utf8')).not.toBe(before);
  return name;
}

/** Both compile. A definition without its handler, or with the handler or the steps of another, does not. */
async function checkTypes(folder: string, testFile: string): Promise<void> {
  const lacking = tasksWith(folder, 'tasks_lacking', (text) => text.replace(/.*'text\.reverse'.*\n/, ''));
  const other = tasksWith(folder, 'tasks_other', (text) =>
    text.replace('./text.reverse.handler.ts', './example/example.sleep.handler.ts'),
  );
  const otherSteps = tasksWith(folder, 'tasks_other_steps', (text) =>
    text.replace('./text.longest.steps.ts', './example/example.linear.steps.ts'),
  );
  // In one run, because most of the work is the same for all of them.
  const errors = await compile(folder, 'tasks', testFile, lacking, other, otherSteps);
  expect(errors).not.toMatch(/^(tasks|test)\//m);
  expect(errors).toMatch(/^tasks_lacking\/handlers\.ts.*'"text\.reverse"' is missing/m);
  expect(errors).toMatch(/^tasks_other\/handlers\.ts.*example\.sleep\.handler.*not assignable/m);
  expect(errors).toMatch(/^tasks_other_steps\/handlers\.ts.*example\.linear\.steps.*not assignable/m);
}

async function runTask(shell: GuideShell): Promise<void> {
  expect(await shell.json(submitTask)).toMatchObject({
    created: true,
    task: { name: 'text.reverse', state: 'succeeded', result: { reversed: 'reward' }, max_attempts: 5 },
  });
  const invalid = submitTask.replace('"text":"drawer"', '"text":7');
  expect(await shell.json(invalid)).toMatchObject({ code: 'VALIDATION_FAILED' });
}

async function runWorkflow(shell: GuideShell): Promise<void> {
  expect(await shell.json(submitWorkflow)).toMatchObject({
    task: { name: 'text.longest', state: 'succeeded', result: { text: 'Call me Ishmael.', words: 3 } },
  });

  const [id = '', stepId = ''] = (await shell.run(`${submitFailing}\necho $ID $STEP_ID`)).trim().split(' ');
  const record = await shell.json(`curl -s localhost:8080/v1/tasks/${id}`);
  expect(record).toMatchObject(JSON.parse(shown));
  const step = await shell.json(`curl -s localhost:8080/v1/tasks/${id}/workflow_steps/${stepId}`);
  expect(step).toMatchObject({ step: 'count', attempt: 1, error: { error_code: 'VALIDATION_FAILED' } });
  const resolved = await shell.json(`ID=${id}\nSTEP_ID=${stepId}\n${resolve}`);
  expect(resolved).toMatchObject({ step: 'count', state: 'resolved' });
  expect(await shell.json(`curl -s 'localhost:8080/v1/tasks/${id}?wait=10'`)).toMatchObject({
    state: 'succeeded',
    result: { text: 'Call me Ishmael.', words: 3 },
  });
}

test("README's first task and first workflow compile, are described and run", async () => {
  const folder = copyOfCheckout();
  followReadme(folder);
  const [, testFile = ''] = /runs\s+this test, `([^`]+)`/.exec(testing) ?? [];
  writeFileSync(join(folder, testFile), handlerTest);
  // It also complains of what lint complains of.
  await succeed('npm run format', folder);
  await succeed('npm run openapi', folder);
  const described = readFileSync(join(folder, 'openapi.yaml'), 'utf8');
  expect(described).toContain('/v1/tasks/text.reverse:');
  expect(described).toContain('/v1/tasks/text.longest:');
  expect(testing).toContain(`npm test -- ${testFile}`);
  const shipped = relative(ROOT, join(import.meta.dirname, '..', '..', 'fast', 'core', 'shipped.test.ts'));
  await succeed(`npm test -- ${testFile} ${shipped}`, folder);
  await checkTypes(folder, testFile);

  const here = relative(ROOT, folder);
  const [api] = await Promise.all([
    startProcess(join(here, 'api/main.ts'), database.url),
    startProcess(join(here, 'runner/main.ts'), database.url),
  ]);
  const shell = shellFor(api.url, folder);
  await runTask(shell);
  await runWorkflow(shell);
});
