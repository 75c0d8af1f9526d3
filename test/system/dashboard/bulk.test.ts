import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// Operations on all that match (specification U4) in a real Chromium, over a real API and a runner: dry run, reason,
// pace, canary, abort, and what became of the tasks.

const { api, pool, submit, open } = await startDashboard();
const MESSAGE = 'the card was declined';

const total = async (query: string): Promise<number> =>
  (await api.call('GET', `/v1/tasks?${query}`)).body.total;

/** Tasks that have failed once, and fail so many times in all. */
async function failed(tag: string, times: number[], message = MESSAGE): Promise<void> {
  const before = await total(`state=failed&tag=${tag}`);
  for (const one of times)
    await submit('example.fail', { times: one, message }, { max_attempts: 1, tags: [tag] });
  await until(
    'they have failed',
    async () => (await total(`state=failed&tag=${tag}`)) === before + times.length,
  );
}

/** Opens the dialog of a bulk retry of a tag, and waits for its count. */
async function plan(page: Page, matches: number) {
  await page.getByRole('button', { name: 'Retry all' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('.matched strong', { hasText: String(matches) }).waitFor();
  return dialog;
}

const figure = (page: Page, title: string) =>
  page.locator('dl.figures > div', { has: page.getByText(title, { exact: true }) }).locator('dd');

const shows = (page: Page, title: string, tasks: number) =>
  until(`${tasks} ${title}`, async () => (await figure(page, title).allTextContents())[0] === String(tasks));

beforeEach(async () => {
  await api.call('PUT', '/v1/queues/example/resume');
});

test('after a retry the dialog says how many were retried, succeeded and failed again', async () => {
  await failed('again', [1, 1, 1, 9, 9]);
  const { page, complaints, shot, findings } = await open('/tasks?state=failed&tag=again');
  const dialog = await plan(page, 5);
  expect(await total('state=failed&tag=again')).toBe(5);
  await dialog.getByLabel('Reason').fill('the bank is up again');
  await api.call('PUT', '/v1/queues/example/pause');
  await dialog.getByRole('button', { name: 'Retry 5 tasks' }).click();
  await shows(page, 'retried', 5);
  await shows(page, 'wait or run', 5);
  await api.call('PUT', '/v1/queues/example/resume');
  await shows(page, 'succeeded', 3);
  await shows(page, 'failed again', 2);
  await shows(page, 'wait or run', 0);
  await shot('bulk_after');
  expect(await findings()).toEqual([]);
  const { body } = await api.call('GET', '/v1/audit?action=bulk_retry');
  expect(body.entries[0]).toMatchObject({ reason: 'the bank is up again', details: { changed: 5 } });
  // The same figures can be read later, from the audit trail.
  await dialog.getByRole('link', { name: 'task by task' }).click();
  await page.getByRole('region', { name: 'One bulk operation' }).waitFor();
  await shows(page, 'failed again', 2);
  await shot('bulk_audit');
  expect(complaints).toEqual([]);
});

test('a dry run changes nothing: going back leaves all as it was', async () => {
  await failed('dry', [9, 9]);
  const { page } = await open('/tasks?state=failed&tag=dry');
  const dialog = await plan(page, 2);
  await dialog.getByRole('button', { name: 'Back' }).click();
  await until('it is closed', async () => (await dialog.count()) === 0);
  expect(await total('state=failed&tag=dry')).toBe(2);
  const { body } = await api.call('GET', '/v1/audit?action=bulk_retry&from=2020-01-01T00:00:00Z');
  expect(
    body.entries.filter((one: { details: object }) => JSON.stringify(one.details).includes('dry')),
  ).toEqual([]);
});

test('a canary of one that fails as before keeps the others from being retried', async () => {
  await failed('canary', [9, 1, 1]);
  const { page, complaints, shot } = await open('/tasks?state=failed&tag=canary');
  const dialog = await plan(page, 3);
  await dialog.getByLabel('Canary').fill('1');
  await dialog.getByRole('button', { name: 'Retry 3 tasks' }).click();
  await dialog.getByText('1 of 1 failed again as before').waitFor();
  await shows(page, 'retried', 1);
  await shows(page, 'failed again', 1);
  await shot('bulk_canary');
  expect(await total('state=failed&tag=canary')).toBe(3);
  expect(complaints).toEqual([]);
});

test('a canary that succeeds lets the others follow', async () => {
  await failed('brave', [1, 1, 1]);
  const { page } = await open('/tasks?state=failed&tag=brave');
  const dialog = await plan(page, 3);
  await dialog.getByLabel('Canary').fill('1');
  await dialog.getByRole('button', { name: 'Retry 3 tasks' }).click();
  await shows(page, 'succeeded', 3);
});

test('with a pace it goes on step by step, and is aborted in between', async () => {
  await failed(
    'slow',
    Array.from({ length: 30 }, () => 1),
  );
  const { page, complaints } = await open('/tasks?state=failed&tag=slow');
  const dialog = await plan(page, 30);
  await dialog.getByLabel('Per second').fill('1');
  await dialog.getByRole('button', { name: 'Retry 30 tasks' }).click();
  await dialog.getByText(/\d+ of about 30/).waitFor();
  await dialog.getByRole('button', { name: 'Abort' }).click();
  await dialog.locator('.badge', { hasText: 'cancelled' }).waitFor();
  const left = await total('state=failed&tag=slow');
  expect(left).toBeGreaterThan(0);
  await shows(page, 'retried', 30 - left);
  const { rows } = await pool.query(
    `select payload ->> 'per_second' as pace from errand.tasks where name = 'errand.bulk' order by id desc limit 1`,
  );
  expect(rows).toEqual([{ pace: '1' }]);
  expect(complaints).toEqual([]);
});

test('at most so many are retried, the oldest first', async () => {
  await failed('few', [1, 1, 1]);
  const { page } = await open('/tasks?state=failed&tag=few');
  const dialog = await plan(page, 3);
  await dialog.getByLabel('At most').fill('2');
  await dialog.getByRole('button', { name: 'Retry 2 tasks' }).click();
  await shows(page, 'retried', 2);
  expect(await total('state=failed&tag=few')).toBe(1);
});

let group = '';
beforeAll(async () => {
  await failed('group', [1, 9], 'no route to the bank');
  const { body } = await api.call('GET', '/v1/errors');
  group = body.groups.find((one: { message: string }) => one.message === 'no route to the bank').error_group;
});

test('all tasks of a group of errors are retried from its page, with the same figures', async () => {
  const { page, complaints, shot } = await open(`/errors/${encodeURIComponent(group)}`);
  await page.getByText('What is known').waitFor();
  const dialog = await plan(page, 2);
  await dialog.getByRole('button', { name: 'Retry 2 tasks' }).click();
  await shows(page, 'succeeded', 1);
  await shows(page, 'failed again', 1);
  await shot('bulk_group');
  expect(complaints).toEqual([]);
});
