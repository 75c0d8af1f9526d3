import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyCheckout, portsFor } from '../../support/checkout/checkout.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { succeed, type } from '../../support/checkout/newcomer.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';
import { withoutAccidents } from './documented_answer.ts';

const [, curl = ''] = blocksOf('README.md', 'Quick start', 'sh', 2);
const [answer = ''] = blocksOf('README.md', 'Quick start', 'json', 1);

test("in a checkout, npm install and npm start bring up what README's first request needs", async () => {
  const folder = join(scratchFolder(0o755), 'errand');
  onTestFinished(() => removeScratch(dirname(folder), join(folder, '.errand')));
  mkdirSync(folder);
  copyCheckout(folder);
  const ports = await portsFor();
  // .ci/run does the first on a clean clone, and all that follows it stands on that.
  const started = type('npm start', folder, ports);
  onTestFinished(async () => {
    started.pressCtrlC();
    await started.exited;
  });
  await until(
    'npm start is up',
    () => started.hasEnded() || /^Press Ctrl-C to stop/m.test(started.output()),
    60_000,
  );
  expect(started.output()).toMatch(/^Press Ctrl-C to stop/m);

  expect(curl).toContain('localhost:8080');
  const got = await succeed(curl.replace('localhost:8080', `localhost:${ports.SERVER_PORT}`), folder);
  expect(JSON.parse(got)).toMatchObject(withoutAccidents(JSON.parse(answer)));

  started.pressCtrlC();
  expect([await started.exited, started.output()]).toEqual([0, expect.stringMatching(/^Stopped\.$/m)]);
});
