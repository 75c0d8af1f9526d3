import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { registry } from '../../../bench/reads/definitions.ts';
import { fillWithSums } from '../../../bench/reads/ledger.ts';
import { openPool } from '../../../store/database/pool.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// A ledger of a million tasks (specification U8) in a real Chromium: every page shows its data, and no operation ends
// in a timeout. The rows are written by SQL without indexes, which are built after them.

const TASKS = 1_000_000;

const { api, pool, open } = await startDashboard({ runner: false });
const known: Record<string, string> = {};

beforeAll(async () => {
  const { connectionString = '' } = pool.options;
  const filling = { connectionString, applicationName: 'fill', size: 2, statementTimeoutMs: 0 };
  const loader = openPool({ ...filling, onError: () => {} });
  await registerDefinitions(loader, registry.definitions);
  await fillWithSums(loader, TASKS, () => {});
  await loader.end();
  known.failed = (await api.call('GET', '/v1/tasks?state=failed&page_size=1')).body.tasks[0].id;
  known.group = encodeURIComponent((await api.call('GET', '/v1/errors')).body.groups[0].error_group);
}, 600_000);

const PAGES: Record<string, string> = {
  '/': 'Tasks by name',
  '/?window=1440': 'Tasks by name',
  '/tasks': 'mail.send_receipt',
  '/tasks?state=failed': 'mail.send_receipt',
  '/tasks?name=billing.charge_card&state=failed': 'billing.charge_card',
  '/tasks?tag=audit': 'match',
  '/tasks?initiator=user%3Aann': 'match',
  '/tasks?error=timed': 'match',
  '/tasks?namespace=media&created=24h': 'media.resize_image',
  '/tasks?payload=%2Fchannel%3Dweb': 'Looked into the payloads of',
  '/tasks/{failed}': 'Next steps',
  '/errors': 'mail.send_receipt',
  '/errors?since=24h': 'mail.send_receipt',
  '/errors/{group}': 'What is known',
  '/queues': 'mail.send_receipt',
  '/runners': 'No runner is live',
  '/schedules': 'No schedules',
  '/callbacks': 'every URL receives',
  '/audit': 'Nothing was done',
  '/submit?name=example.echo': 'Payload',
};

/** The answers of the API that were no success, as they come. */
function failuresOf(page: Page): string[] {
  const failures: string[] = [];
  page.on('response', (response) => {
    if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
  });
  return failures;
}

test.each(Object.keys(PAGES))('the page %s shows its data', async (path) => {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => known[name] ?? '');
  const { page, complaints } = await open(filled);
  page.setDefaultTimeout(120_000);
  const failures = failuresOf(page);
  await page.reload();
  await page
    .locator('main')
    .getByText(PAGES[path] ?? '')
    .first()
    .waitFor();
  await until('nothing loads', async () => (await page.locator('.loading').count()) === 0);
  expect({ failures, complaints }).toEqual({ failures: [], complaints: [] });
  await page.context().close();
});

test('a page in the depth of the list is reached by its cursor', async () => {
  const { page } = await open('/tasks');
  page.setDefaultTimeout(120_000);
  const failures = failuresOf(page);
  for (let step = 0; step < 3; step++) {
    const first = await page.locator('tbody a').first().getAttribute('href');
    await page.getByRole('button', { name: 'Older' }).click();
    await until('another page', async () => {
      return (await page.locator('tbody a').first().getAttribute('href')) !== first;
    });
  }
  expect(failures).toEqual([]);
});

test('all failed tasks are counted before a bulk retry, which begins and is aborted', async () => {
  const { page, shot } = await open('/tasks?state=failed');
  page.setDefaultTimeout(120_000);
  const failures = failuresOf(page);
  await page.getByRole('button', { name: 'Retry all' }).click();
  const dialog = page.getByRole('dialog');
  const matched = dialog.locator('.matched strong');
  await matched.waitFor();
  expect(Number((await matched.textContent())?.replaceAll(/\D/g, ''))).toBeGreaterThan(10_000);
  await dialog.getByLabel('Per second').fill('10');
  await shot('large_bulk');
  await dialog.getByRole('button', { name: /^Retry/ }).click();
  await dialog.getByRole('button', { name: 'Abort' }).click();
  await dialog.locator('.badge', { hasText: 'cancelled' }).waitFor();
  expect(failures).toEqual([]);
});
