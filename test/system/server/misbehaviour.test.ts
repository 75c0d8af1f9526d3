import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { whenDone } from '../../support/when_done.ts';

const database = await createDatabase();

test('a task that misbehaves neither hides a rejection from the application, nor ends its process', async () => {
  const host = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'host.ts')], {
    env: { PATH: process.env.PATH, TEST_DATABASE: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  whenDone(() => host.kill('SIGKILL'));
  let said = '';
  host.stdout.on('data', (part) => {
    said += String(part);
  });
  await until('it has started', () => said.includes('started'));
  await database.pool.query("select errand.submit('shop.forget', '{}')");
  await until('the application gets the rejection', () => said.includes('the host got: Error: forgotten'));
  await database.pool.query("select errand.submit('shop.block', '{}')");
  await until('the task has blocked it', () => said.includes('the host lives') || host.signalCode !== null);
  expect(host.signalCode).toBeNull();
  host.kill('SIGTERM');
  expect(await once(host, 'exit')).toEqual([0, null]);
});
