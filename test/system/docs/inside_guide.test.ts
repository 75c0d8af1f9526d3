import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { guideProject, SHOP } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { whenDone } from '../../support/when_done.ts';

const database = await createDatabase();
const [withExpress = ''] = blocksOf('docs/guides/inside-your-application.md', 'Express', 'ts', 1);
const [withFastify = ''] = blocksOf('docs/guides/inside-your-application.md', 'Fastify', 'ts', 1);
const UP = `console.log(JSON.stringify({ port: server.address().port }));`;

/** What the guide leaves to the application. */
const HOSTS: [string, string][] = [
  [
    'Express',
    `const port = 0;\nconst requireUser = (_request, _response, next) => next();\n${withExpress}\n${UP}`,
  ],
  [
    'Fastify',
    `const port = 0;\nconst requireUser = async () => {};\n${withFastify}
process.once('SIGTERM', () => fastify.close());
const { server } = fastify;\n${UP}`,
  ],
];

test.each(HOSTS)(
  'the %s application of the guide executes a task, and ends by SIGTERM',
  async (_name, code) => {
    // The guide is not about types.
    const folder = guideProject({ ...SHOP, 'host.ts': `// @ts-nocheck\n${code}` });
    whenDone(() => removeScratch(folder));
    const host = spawn(process.execPath, ['host.ts'], {
      cwd: folder,
      env: { PATH: process.env.PATH, DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    whenDone(() => host.kill('SIGKILL'));
    let output = '';
    host.stdout.on('data', (part) => {
      output += String(part);
    });
    const port = await until('the application listens', () => /^\{"port":(\d+)\}$/m.exec(output)?.[1]);
    const origin = `http://127.0.0.1:${port}`;
    expect((await call(origin, 'GET', '/')).text).toBe('the shop');
    const { body } = await call(
      origin,
      'POST',
      '/jobs/v1/tasks/shop.order',
      { payload: { prices: [1, 2] } },
      {
        'idempotency-key': _name,
      },
    );
    const done = await until('the task is done', async () => {
      const task = await call(origin, 'GET', `/jobs/v1/tasks/${body.task.id}`);
      return task.body.state === 'succeeded' && task;
    });
    expect(done.body.result).toEqual({ total: 3 });
    host.kill('SIGTERM');
    expect(await once(host, 'exit')).toEqual([0, null]);
  },
);
