import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startFileRunner } from '../../../support/runner.ts';
import { until } from '../../../support/until.ts';
import { startDashboard } from '../dashboard.ts';
import { fillHour, shopDefinitions, shopHandlers } from './shop.ts';

// Each picture of docs/guides/operate.md: its page exists and shows what the guide says of it. With SCREENSHOTS=write
// (`npm run screenshots`) the pictures are made again.

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const IMAGES = join(ROOT, 'docs', 'images');
const GUIDE = readFileSync(join(ROOT, 'docs', 'guides', 'operate.md'), 'utf8');
const isWriting = process.env.SCREENSHOTS === 'write';
const taken = new Set<string>();

const { api, pool, open } = await startDashboard({ runner: false });
await registerDefinitions(pool, shopDefinitions);
await fillHour(pool);
const runner = await startFileRunner(pool, { registeredHandlers: shopHandlers(pool) });
afterAll(() => runner.stop());
const view = (path: string, height = 760) =>
  open(path, { viewport: { width: 1200, height }, timezoneId: 'UTC' });

async function picture(page: Page, name: string): Promise<void> {
  taken.add(name);
  if (!isWriting) return;
  await until('nothing loads', async () => (await page.locator('.loading').count()) === 0);
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled', caret: 'hide' });
}

const submit = async (name: string, payload: object, more: object = {}): Promise<string> => {
  const { body, text } = await api.call('POST', `/v1/tasks/${name}`, { payload, initiator: 'shop', ...more });
  if (body.task === undefined) throw new Error(text);
  return body.task.id;
};
const stateOf = async (id: string): Promise<string> => (await api.call('GET', `/v1/tasks/${id}`)).body.state;
const ended = (id: string) =>
  until('it has ended', async () => ['failed', 'succeeded'].includes(await stateOf(id)));

const known: Record<string, string> = {};
const HOST = { host: 'worker-2', pid: 812, version: '0.2.0', concurrency: 10, leaseSecs: 3_600 };

beforeAll(async () => {
  const invoice = (number: number, customer: string, more: object = {}) =>
    submit('billing.send_invoice', { invoice: `R-${number}`, customer, amount: number / 100 }, more);
  const once = { max_attempts: 1 };
  const all = [
    ...Array.from({ length: 14 }, (_, index) => invoice(1_000 + index, 'Linus', once)),
    ...Array.from({ length: 5 }, (_, index) => invoice(1_100 + index, 'Grace', { tags: ['vip'] })),
    ...Array.from({ length: 3 }, (_, index) =>
      submit('mail.send', { to: `ada${index}@shop.invalid`, subject: 'Your order' }),
    ),
  ];
  const ids = await Promise.all(all);
  for (const id of ids) await ended(id);
  known.failed = await invoice(1_200, 'Linus', {
    ...{ max_attempts: 3, backoff: { initialMs: 200, factor: 1, maxMs: 200, jitter: 0 }, tags: ['vip'] },
    reason: 'the order 4711 was shipped',
  }).catch(() =>
    invoice(1_200, 'Linus', { max_attempts: 1, tags: ['vip'], reason: 'the order 4711 was shipped' }),
  );
  known.workflow = await submit('billing.month_end', { month: '2026-10', invoices: 12 });
  await api.call('PUT', '/v1/queues/media.resize/pause?reason=the%20disk%20is%20exchanged');
  for (let index = 0; index < 6; index++)
    await submit('media.resize', { file: `cat${index}.jpg`, width: 320 });
  await api.call('PUT', '/v1/schedules/billing.month_end', {
    ...{ task: 'billing.month_end', payload: { month: '2026-11', invoices: 40 } },
    ...{ cron: '0 4 1 * *', timezone: 'Europe/Berlin', description: 'The invoices of each month' },
  });
  await api.call('PUT', '/v1/schedules/mail.digest', {
    ...{
      task: 'mail.send',
      payload: { to: 'team@example.com', subject: 'Yesterday' },
      cron: '30 7 * * MON-FRI',
    },
  });
  await ended(known.failed);
  await until(
    'the workflow has a failed step',
    async () => (await stateOf(known.workflow ?? '')) === 'failed',
  );
  // A deployment is under way: another machine has the next version, and its tasks come already.
  const taskVersions = { 'billing.send_invoice': '2.5.0', 'mail.send': '1.3.0' };
  await registerRunner(pool, { ...HOST, taskVersions, taskNames: Object.keys(taskVersions) });
  await pool.query(
    `update errand.runners set event_loop_delay_ms = 340, in_flight = 7 where host = 'worker-2'`,
  );
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'billing.send_invoice', '2.5.0', 'queued', 0, 3, now(), '{"customer":"Ada"}' from generate_series(1, 12)`,
  );
  const { groups } = (await api.call('GET', '/v1/errors')).body;
  known.group = groups.find((one: { message: string }) => one.message.includes('503')).error_group;
});

test('home: what needs somebody, and how the queue does', async () => {
  const { page } = await view('/', 900);
  const needs = page.getByRole('region', { name: 'Needs somebody' });
  await needs.getByText('the bank answered 503').first().waitFor();
  await needs.getByText('media.resize is paused').waitFor();
  await page.locator('.chart .line').first().waitFor();
  await picture(page, 'home');
});

test('tasks: failed ones of a tag, by a link that can be shared', async () => {
  const { page } = await view('/tasks?state=failed&tag=vip', 640);
  await page.getByRole('link', { name: 'billing.send_invoice' }).first().waitFor();
  await picture(page, 'tasks');
});

test('a task: why it failed, and the next step', async () => {
  const { page } = await view(`/tasks/${known.failed}`, 900);
  await page
    .getByRole('region', { name: 'Explanation' })
    .getByText('the bank answered 503')
    .first()
    .waitFor();
  await page.getByText('charging the card').first().waitFor();
  await picture(page, 'task');
});

test('a workflow: its graph, with the tasks of a map unfolded', async () => {
  const { page } = await view(`/tasks/${known.workflow}`, 860);
  await page.getByRole('button', { name: 'Unfold the 12 tasks of invoices' }).click();
  await page.getByRole('list', { name: 'Tasks of invoices' }).getByText('and 4 more tasks').waitFor();
  await picture(page, 'workflow');
});

test('errors: groups with their versions, and what became of a retry', async () => {
  const { page } = await view('/errors', 560);
  await page.getByRole('link', { name: 'the bank answered 503' }).first().waitFor();
  await picture(page, 'errors');
  await page.goto(`${api.url}/ui/errors/${encodeURIComponent(known.group ?? '')}`);
  await page.getByRole('button', { name: 'Retry all' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Per second').fill('20');
  await dialog.getByLabel('Canary').fill('0');
  await dialog.getByLabel('Reason').fill('the bank is up again');
  await picture(page, 'retry');
});

test('submit: a failed task is corrected and replaced', async () => {
  const { page } = await view(`/submit?from=${known.failed}`, 860);
  await page.getByLabel('Replace the failed task').waitFor();
  await page.getByLabel(/^customer/).fill('Ada');
  await page.getByLabel('Reason').fill('the customer was wrong');
  await picture(page, 'resubmit');
});

test('runners: their slots, their event loops, and versions side by side', async () => {
  await pool.query(`update errand.runners set heartbeat_at = now() where host = 'worker-2'`);
  const { page } = await view('/runners', 620);
  await page.getByRole('region', { name: 'Versions side by side' }).getByText('2.5.0').waitFor();
  await page.getByText('340 ms late').waitFor();
  await picture(page, 'runners');
});

test('schedules: the times of one, and its operations', async () => {
  const { page } = await view('/schedules/billing.month_end', 640);
  await page.getByRole('heading', { name: 'Next times' }).waitFor();
  await page.getByRole('link', { name: 'Edit' }).waitFor();
  await picture(page, 'schedule');
});

test('the guide shows each of these pictures, and no other', () => {
  const shown = [...GUIDE.matchAll(/!\[[^\]]+\]\(\.\.\/images\/(\w+)\.png\)/g)].map(([, name = '']) => name);
  expect(shown.toSorted()).toEqual([...taken].toSorted());
});
