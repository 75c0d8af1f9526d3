import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Answer, call } from '../../support/api.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

// Several repositories over one database: each has its own tasks and runner, and one of them has the API.

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PACKAGE = JSON.stringify(join(ROOT, 'package', 'index.ts'));
const { url } = await createDatabase();
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) removeScratch(folder);
});

const CONFIG = `import { defineConfig } from 'errand';\nexport default defineConfig({ tasks: ['./tasks'], shipped: [] });\n`;
/** The configuration of the guide, with the `project` billing. */
const [BILLING = ''] = blocksOf('docs/guides/several-repositories.md', 'Name each repository', 'ts', 1);

/** A repository with one task, whose payload is one value of a type. Gives the path of its configuration. */
function repository(
  name: string,
  task: { name: string; type: 'string' | 'number'; gives: string },
  config = CONFIG,
): string {
  const folder = scratchFolder(0o755);
  folders.push(folder);
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  mkdirSync(join(folder, 'tasks'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  write('package.json', JSON.stringify({ name, type: 'module' }));
  write('errand.config.ts', config.replace(`'errand'`, PACKAGE));
  write(
    `tasks/${task.name}.task.ts`,
    `import { defineTask } from ${PACKAGE};
     import { z } from 'zod';
     export const task = defineTask({
       name: '${task.name}', version: '1.0.0', description: 'For a test',
       payload: z.object({ of: z.${task.type}(), times: z.number().default(2) }),
       example: { of: ${task.type === 'string' ? "'a'" : '1'} },
     });\n`,
  );
  write(
    `tasks/${task.name}.handler.ts`,
    `import { defineHandler } from ${PACKAGE};
     import { task } from './${task.name}.task.ts';
     export default defineHandler(task, ({ of, times }) => (${task.gives}));\n`,
  );
  return join(folder, 'errand.config.ts');
}

const shop = { name: 'order.pack', type: 'string', gives: '{ packed: of.repeat(times) }' } as const;
const billing = { name: 'invoice.send', type: 'number', gives: '{ sent: of * times }' } as const;

test('one API serves the tasks of two, and a third cannot take a name of the first', async () => {
  const first = repository('shop', shop);
  const second = repository('services', billing, BILLING);
  const [api] = await Promise.all([
    startProcess('api/main.ts', url, { ERRAND_CONFIG: first }),
    startProcess('runner/main.ts', url, { ERRAND_CONFIG: first }),
    startProcess('runner/main.ts', url, { ERRAND_CONFIG: second }),
  ]);
  const send = (name: string, payload: unknown): Promise<Answer> =>
    call(api.url, 'POST', `/v1/tasks/${name}?wait=30`, { payload });
  await until('both runners are live', async () => {
    const { body } = await call(api.url, 'GET', '/v1/handlers');
    return ['order.pack', 'invoice.send'].every((wanted) =>
      body.handlers?.some(
        ({ name, live_runners }: { name: string; live_runners: number }) =>
          name === wanted && live_runners === 1,
      ),
    );
  });

  const { body } = await call(api.url, 'GET', '/v1/handlers/invoice/send');
  expect(body.owner).toBe('billing');

  expect((await send('order.pack', { of: 'ab' })).body.task).toMatchObject({
    state: 'succeeded',
    result: { packed: 'abab' },
  });
  expect((await send('invoice.send', { of: 21 })).body.task).toMatchObject({
    state: 'succeeded',
    result: { sent: 42 },
  });
  const refused = await send('invoice.send', { of: 'ab' });
  expect([refused.status, refused.body.details]).toEqual([
    400,
    [{ path: '/body/payload/of', message: 'must be number, got "ab"' }],
  ]);
  expect((await send('invoice.sent', { of: 1 })).body.error).toContain('did you mean invoice.send?');

  const third = repository('parcels', { ...shop, type: 'number', gives: '{ packed: of * times }' });
  await expect(startProcess('runner/main.ts', url, { ERRAND_CONFIG: third })).rejects.toThrow(
    /ended with 1:[\s\S]*The start failed at the step definitions: These tasks belong to another repository:\n {2}order\.pack: here it is version 1\.0\.0 of parcels \(file:.*order\.pack\.task\.ts\), but shop has registered version 1\.0\.0 with other schemas \((runner \d+ on .*|, less than a minute ago)\)/,
  );
  // The task is still that of the first one.
  expect((await send('order.pack', { of: 'c' })).body.task.result).toEqual({ packed: 'cc' });
});
