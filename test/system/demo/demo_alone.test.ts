import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyCheckout, portsFor } from '../../support/checkout/checkout.ts';
import { processesIn, removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { launch } from '../../support/processes.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

test('where nothing runs it starts everything, in a checkout of its own here, and stops it at the end', async () => {
  const folder = scratchFolder(0o755);
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  onTestFinished(() => {
    // Only after a failure: a demo that was killed leaves what it started.
    for (const line of processesIn(checkout)) process.kill(Number.parseInt(line, 10), 'SIGKILL');
    removeScratch(folder, join(checkout, '.errand'));
  });
  copyCheckout(checkout);
  const environment = { ...(await portsFor()), SERVER_HOST: '0.0.0.0', DATABASE_URL: '', ERRAND_URL: '' };
  const { exited, output } = launch(relative(ROOT, join(checkout, 'demo', 'main.ts')), environment);
  expect([await exited, output()]).toEqual([0, expect.stringContaining('so the demo starts one')]);
  expect(output()).toContain(': 179 new, 0 already known');
  expect(output()).toContain('Nothing was executed again');
  expect(output()).toMatch(/Stopping the processes that the demo started\.\n$/);
  expect(processesIn(checkout)).toEqual([]);
});
