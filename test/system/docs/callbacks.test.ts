import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { secretOf, startDelivering } from '../../fast/callbacks/receiver.ts';
import { blocksOf, ROOT } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

/** The guide's receiver as a process, on any port, which it tells; and what it has printed since. */
async function startGuideReceiver(): Promise<{ url: string; lines: string[] }> {
  const [code = ''] = blocksOf('docs/guides/callbacks-and-webhooks.md', 'Callbacks', 'js', 1);
  const told = code.replace(
    '.listen(3000);',
    '.listen(0, function () { console.log(this.address().port); });',
  );
  expect(told).not.toBe(code);
  const child = spawn(process.execPath, ['--input-type=module', '-e', told], {
    cwd: ROOT,
    env: { ...process.env, SECRET: secretOf('a') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const port = await until('it listens', () => lines.shift());
  return { url: `http://localhost:${port}/`, lines };
}

test("the guide's receiver takes what is signed, and nothing else", async () => {
  const { pool } = await createDatabase();
  const receiver = await startGuideReceiver();
  const forged = await fetch(receiver.url, { method: 'POST', body: '{}' });
  expect(forged.status).toBe(401);
  const task = { name: 'example.echo', payload: {}, callbackUrl: receiver.url };
  const { id } = await submitOne(pool, task);
  await cancelTask(pool, id);
  await startDelivering(pool);
  expect(await until('it is told', () => receiver.lines[0])).toMatch(
    new RegExp(`^msg_[0-9a-f]{32} task.cancelled ${id} null$`),
  );
});
