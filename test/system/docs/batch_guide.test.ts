import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { blocksOf } from '../../support/checkout/documents.ts';
import { guideProject } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { whenDone } from '../../support/when_done.ts';

const [definition = '', handler = ''] = blocksOf(
  'docs/guides/tasks-and-handlers.md',
  'Batch handlers',
  'ts',
  2,
);
const [unit = ''] = blocksOf('docs/guides/testing.md', 'A batch handler', 'ts', 1);

/** The same tasks in a real Errand, of two tenants. */
const REAL = `
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestErrand } from 'errand/testing';
test('each tenant has its batch, and each product its outcome', async () => {
  const errand = await startTestErrand({ tasks: ['./tasks'], directory: import.meta.dirname });
  const products = ['Lamp', 'Nothing', 'Chair', 'Desk'];
  const tasks = await Promise.all(products.map((product, n) =>
    errand.submit('shop.index', { tenant: n < 3 ? 'acme' : 'other', product })));
  await errand.drain();
  const ended = await Promise.all(tasks.map(({ id }) => errand.task(id)));
  assert.deepEqual(ended.map(({ state }) => state), ['succeeded', 'failed', 'succeeded', 'succeeded']);
  assert.equal(ended[1].error.message, 'The index refuses this product');
  assert.equal(ended[1].attempt, 1);
  await errand.stop();
});
`;

test('the batch handler of tasks-and-handlers.md runs, and so does its test of testing.md (Q11)', async () => {
  const folder = guideProject({
    'tasks/shop.index.task.ts': definition,
    'tasks/shop.index.handler.ts': handler,
    'batch.test.ts': unit,
    'real.test.ts': REAL,
  });
  whenDone(() => removeScratch(folder));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--test', '--test-reporter=tap', 'batch.test.ts', 'real.test.ts'],
    { cwd: folder, env: { PATH: process.env.PATH, DATABASE_URL: inject('postgresUrl') } },
  );
  expect(stdout).toContain('# pass 2\n# fail 0');
});
