import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { defineLimit } from '../../../core/limits/define_limit.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { limited } from '../../fast/limits/limited.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { guideProject, SHOP } from '../../support/checkout/guide_project.ts';
import { removeScratch } from '../../support/checkout/scratch.ts';
import { whenDone } from '../../support/when_done.ts';
import { startPool } from '../cli/errand.ts';

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

const [fair = ''] = blocksOf('docs/guides/limits.md', 'Fairness', 'ts', 1);

test('Q3: the policy of limits.md with aging loads in a project', async () => {
  const fields = `name: 'billing.fair', version: '1.0.0', description: 'Takes turns', payload: z.object({ tenant: z.string() }), example: { tenant: 'acme' }`;
  const show = `import { defineTask } from 'errand'; import { z } from 'zod'; console.log(JSON.stringify(defineTask({ ${fields}, ${fair} }).policy));`;
  const folder = guideProject({ ...SHOP, 'show.ts': show });
  whenDone(() => removeScratch(folder));
  const { stdout } = await promisify(execFile)(process.execPath, ['show.ts'], { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({
    concurrency: [{ limit: 20 }, { limit: 2, isKeyed: true }],
    aging: { everySeconds: 60 },
  });
});

const [seen = ''] = blocksOf('docs/guides/limits.md', 'See limits', 'sh', 1);
const [changed = ''] = blocksOf('docs/guides/limits.md', 'Change or pause a limit while it runs', 'sh', 1);

test('the commands of limits.md show, change and pause limits', async () => {
  const { pool, errand } = await startPool();
  const ledger = defineLimit({ name: 'billing.ledger_api', limit: 5 });
  await registerDefinitions(pool, [
    limited('billing.export_invoices', [20, ledger, { limit: 2, key: ({ key }) => key ?? 'none' }]),
  ]);
  const outputs: string[] = [];
  for (const line of [...seen.trim().split('\n'), ...changed.trim().split('\n')]) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    expect(words.shift()).toBe('errand');
    const { code, stdout } = await errand(words);
    expect([line, code]).toEqual([line, 0]);
    outputs.push(stdout);
  }
  expect(outputs[1]).toContain('2 per key');
  expect(outputs.slice(2)).toEqual([
    'billing.ledger_api is 10 (declared: 5)\n',
    'billing.ledger_api is 10 (declared: 5), and is paused: nothing starts under it until it is resumed\n',
    'billing.ledger_api is 10 (declared: 5)\n',
    'billing.ledger_api is what its definitions declare again: 5\n',
  ]);
});
