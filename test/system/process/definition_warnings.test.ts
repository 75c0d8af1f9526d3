import { expect, test } from 'vitest';
import { sourceProject } from '../../support/checkout/source_project.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';

const { url } = await createDatabase();

/** A project with one task, whose payload has a text of this schema. Gives its environment. */
function withTask(text: string): Record<string, string> {
  return sourceProject({
    'tasks/text.odd.task.ts': `import { defineTask } from 'errand';
     import { z } from 'zod';
     export const odd = defineTask({
       name: 'text.odd', version: '1', description: '', payload: z.object({ text: ${text} }), example: { text: 'a' } });`,
    'tasks/text.odd.handler.ts': `import { defineHandler } from 'errand';
     import { odd } from './text.odd.task.ts';
     export default defineHandler(odd, () => null);`,
  });
}

const SCRIPTS = ['api/main.ts', 'runner/main.ts'];

test('API and runner do not start with an expression that can take exponential time, and say why', async () => {
  const project = withTask('z.string().regex(/^(a+)+$/)');
  for (const script of SCRIPTS) {
    const started = launch(script, { DATABASE_URL: url, ...project });
    expect(await started.exited).toBe(1);
    expect(started.output()).toMatch(
      /Task definition "text\.odd" in \S+\/tasks\/text\.odd\.task\.ts: payload\.text: the expression \/\^\(a\+\)\+\$\/ can take exponential time/,
    );
  }
});

test('API and runner start with one that is slow with long text, and warn of it once', async () => {
  const project = withTask('z.string().regex(/^a*a*$/)');
  for (const script of SCRIPTS) {
    const { output } = await startProcess(script, url, project);
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
