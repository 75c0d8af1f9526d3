import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { startProcess } from '../support/processes.ts';
import { addToLists, copyOfCheckout } from './copy_with_tasks.ts';
import { codeBlocks, documentText, ROOT, section } from './documents.ts';
import { succeed } from './newcomer.ts';

const database = await createDatabase();
const text = section(documentText('README.md'), 'Workflows');
const [definition = '', code = ''] = codeBlocks(text, 'ts');
const [submit = '', resolve = ''] = codeBlocks(text, 'sh');
const [shown = ''] = codeBlocks(text, 'json');

type Node = { id: string; step: string };

/** A copy of this checkout with README's workflow. Gives its path. */
function addWorkflow(): string {
  const folder = copyOfCheckout();
  const [definitionFile = '', codeFile = ''] = [...text.matchAll(/`(tasks\/text\.longest\.\w+\.ts)`/g)].map(
    ([, file = '']) => file,
  );
  writeFileSync(join(folder, definitionFile), definition);
  writeFileSync(join(folder, codeFile), code);
  const local = (file: string): string => file.replace('tasks/', './');
  addToLists(
    { index: join(folder, 'tasks/index.ts'), handlers: join(folder, 'tasks/handlers.ts') },
    {
      importLine: `import { longest } from '${local(definitionFile)}';\n`,
      handlerLine: `  'text.longest': () => import('${local(codeFile)}'),\n`,
    },
  );
  return folder;
}

test("README's workflow compiles, fails as it says, and goes on when its step is resolved", async () => {
  const folder = addWorkflow();
  // What the tasks are made of, not all of this checkout.
  const tsconfig = { extends: './tsconfig.json', include: ['tasks'] };
  writeFileSync(join(folder, 'tsconfig.tasks.json'), JSON.stringify(tsconfig));
  await succeed('node_modules/.bin/tsc --noEmit --project tsconfig.tasks.json', folder);

  const here = relative(ROOT, folder);
  const [api] = await Promise.all([
    startProcess(join(here, 'api/main.ts'), database.url),
    startProcess(join(here, 'runner/main.ts'), database.url),
  ]);

  const { host } = new URL(api.url);
  const type = async (command: string) =>
    JSON.parse(await succeed(command.replace('localhost:8080', host), folder));

  expect(submit).toContain('localhost:8080');
  const { task } = await type(submit);
  const record = await type(`curl -s localhost:8080/v1/tasks/${task.id}`);
  expect(record).toMatchObject(JSON.parse(shown));
  const failed = record.workflow.nodes.find(({ step }: Node) => step === 'count');
  const step = await type(`curl -s localhost:8080/v1/tasks/${task.id}/workflow_steps/${failed.id}`);
  expect(step).toMatchObject({ attempt: 1, error: { error_code: 'VALIDATION_FAILED' } });

  const resolved = await type(resolve.replace('$ID', task.id).replace('$STEP_ID', failed.id));
  expect(resolved).toMatchObject({ step: 'count', state: 'resolved' });
  expect(await type(`curl -s 'localhost:8080/v1/tasks/${task.id}?wait=10'`)).toMatchObject({
    state: 'succeeded',
    result: { text: 'Call me Ishmael.', words: 3 },
  });
});
