import { expect, test } from 'vitest';
import { startApi } from '../support/api.ts';
import { createDatabase } from '../support/database.ts';
import { startTestRunner } from '../support/runner.ts';
import { codeBlocks, documentText, section } from './documents.ts';
import { succeed } from './newcomer.ts';

test("README's commands follow a task to its end", async () => {
  const { pool } = await createDatabase();
  const api = await startApi(pool);
  await startTestRunner(pool);
  const [commands = ''] = codeBlocks(section(documentText('README.md'), 'Following a task'), 'sh');
  const [submit = '', events = '', logs = ''] = commands.trim().split('\n');
  const { host } = new URL(api.url);
  const type = (...lines: string[]): Promise<string> =>
    succeed(
      `sh -c '${lines.join('\n').replaceAll('localhost:8080', host).replaceAll("'", `'\\''`)}'`,
      process.cwd(),
    );
  const told = await type(submit, events);
  expect(told).toMatch(/^event: state\ndata: .*"name":"example.sleep"/m);
  expect(told).toMatch(/event: end\ndata: \{"state":"succeeded"\}\n\n$/);
  expect(await type(submit, logs)).toMatch(/event: end\ndata: \{"state":"succeeded"\}\n\n$/);
});
