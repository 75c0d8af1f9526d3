import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { blocksOf } from '../../support/checkout/documents.ts';
import { guideProject, SHOP } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { whenDone } from '../../support/when_done.ts';

const [definition = ''] = blocksOf('docs/guides/limits.md', 'Rules', 'ts', 1);

const [rates = ''] = blocksOf('docs/guides/limits.md', 'Rates', 'ts', 1);

test('Q2: the rates of limits.md load in a project, with a handler', async () => {
  const show = `import handler, { charge } from './rates.ts'; console.log(JSON.stringify([typeof handler, charge.policy.rate]));`;
  const folder = guideProject({ ...SHOP, 'rates.ts': rates, 'show.ts': show });
  whenDone(() => removeScratch(folder));
  const { stdout } = await promisify(execFile)(process.execPath, ['show.ts'], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual([
    'function',
    [
      { name: 'billing.stripe', limit: 100, periodSeconds: 1, burst: 25, isKeyed: false },
      { name: 'billing.charge:rate:key', limit: 10, periodSeconds: 60, burst: 10, isKeyed: true },
    ],
  ]);
});

test('the definition of limits.md loads in a project, with three rules', async () => {
  const show = `import { exportInvoices } from './limits.ts'; console.log(JSON.stringify(exportInvoices.policy.concurrency));`;
  const folder = guideProject({ ...SHOP, 'limits.ts': definition, 'show.ts': show });
  whenDone(() => removeScratch(folder));
  const { stdout } = await promisify(execFile)(process.execPath, ['show.ts'], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual([
    { name: 'billing.export_invoices', limit: 20, scope: 'pool', isKeyed: false },
    { name: 'billing.ledger_api', limit: 5, scope: 'pool', isKeyed: false },
    { name: 'billing.export_invoices:key', limit: 2, scope: 'pool', isKeyed: true },
  ]);
});
