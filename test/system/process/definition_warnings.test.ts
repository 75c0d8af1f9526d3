import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { addToLists, copyOfCheckout } from '../../support/checkout/copy_with_tasks.ts';
import { ROOT } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';

const { url } = await createDatabase();

/** A copy of this checkout with one more task, whose payload has a text of this schema. Gives its path from here. */
function withTask(text: string): string {
  const folder = copyOfCheckout();
  writeFileSync(
    join(folder, 'tasks/text.odd.task.ts'),
    `import { z } from 'zod';
     import { defineTask } from '../core/task.ts';
     export const odd = defineTask({
       name: 'text.odd', version: '1', description: '', payload: z.object({ text: ${text} }), example: { text: 'a' } });`,
  );
  writeFileSync(join(folder, 'tasks/text.odd.handler.ts'), 'export default () => null;\n');
  addToLists(
    { index: join(folder, 'tasks/index.ts'), handlers: join(folder, 'tasks/handlers.ts') },
    {
      importLine: "import { odd } from './text.odd.task.ts';\n",
      handlerLine: "  'text.odd': () => import('./text.odd.handler.ts'),\n",
    },
  );
  return relative(ROOT, folder);
}

const SCRIPTS = ['api/main.ts', 'runner/main.ts'];

test('API and runner do not start with an expression that can take exponential time, and say why', async () => {
  const folder = withTask('z.string().regex(/^(a+)+$/)');
  for (const script of SCRIPTS) {
    const started = launch(join(folder, script), { DATABASE_URL: url });
    expect(await started.exited).toBe(1);
    expect(started.output()).toMatch(
      /Task definition "text\.odd" in \S+\/tasks\/text\.odd\.task\.ts: payload\.text: the expression \/\^\(a\+\)\+\$\/ can take exponential time/,
    );
  }
});

test('API and runner start with one that is slow with long text, and warn of it once', async () => {
  const folder = withTask('z.string().regex(/^a*a*$/)');
  for (const script of SCRIPTS) {
    const { output } = await startProcess(join(folder, script), url);
    const lines = output()
      .split('\n')
      .filter((line) => line.includes('a definition should be corrected'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 40,
      task_name: 'text.odd',
      file: expect.stringMatching(/tasks\/text\.odd\.task\.ts$/),
      msg: expect.stringMatching(
        /: payload\.text: the expression \/\^a\*a\*\$\/ takes time that grows with power 2/,
      ),
    });
  }
});
