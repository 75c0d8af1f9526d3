import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startProcess } from '../support/processes.ts';
import { addToLists, copyOfCheckout, edit } from './copy_with_tasks.ts';
import { codeBlocks, documentText, ROOT, section } from './documents.ts';
import { succeed, type } from './newcomer.ts';

const database = await createDatabase();
const steps = section(documentText('README.md'), 'Add a task in five minutes');
const [definition = '', handler = '', importLine = '', handlerLine = ''] = codeBlocks(steps, 'ts');
const [curl = ''] = codeBlocks(steps, 'sh');

/** A copy of this checkout in which README's steps 1 to 4 are done; removed when the test is. Gives its path. */
function followSteps(): string {
  const folder = copyOfCheckout();
  const named = [...steps.matchAll(/(?:The \w+,|In) `([^`]+)`/g)].map(([, file = '']) => join(folder, file));
  const [definitionFile = '', handlerFile = '', index = '', handlers = ''] = named;
  writeFileSync(definitionFile, definition);
  writeFileSync(handlerFile, handler);
  addToLists({ index, handlers }, { importLine, handlerLine });
  return folder;
}

test("README's five minutes make a task that compiles, is described and runs", async () => {
  const folder = followSteps();
  await succeed('npm run openapi', folder);
  await succeed('npm run typecheck', folder);
  expect(readFileSync(join(folder, 'openapi.yaml'), 'utf8')).toContain('/v1/tasks/text.reverse:');

  const here = relative(ROOT, folder);
  const api = await startProcess(join(here, 'api/main.ts'), database.url);
  await startProcess(join(here, 'runner/main.ts'), database.url);
  expect(curl).toContain('localhost:8080');
  const answer = await succeed(curl.replace('localhost:8080', new URL(api.url).host), folder);
  expect(JSON.parse(answer)).toMatchObject({
    created: true,
    task: { name: 'text.reverse', state: 'succeeded', result: { reversed: 'reward' }, max_attempts: 5 },
  });
});

test('a definition without its handler does not compile, as README says', async () => {
  const folder = followSteps();
  edit(join(folder, 'tasks/handlers.ts'), /.*text\.reverse.*\n/, () => '');
  // What the tasks are made of: the whole checkout has compiled above.
  const tsconfig = { extends: './tsconfig.json', include: ['tasks'] };
  writeFileSync(join(folder, 'tsconfig.tasks.json'), JSON.stringify(tsconfig));
  const typed = type('node_modules/.bin/tsc --noEmit --project tsconfig.tasks.json', folder);
  expect(await typed.exited).not.toBe(0);
  expect(typed.output()).toContain(`'"text.reverse"' is missing`);
});
