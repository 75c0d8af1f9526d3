import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { answering, SECRETS, secretOf, startReceiver } from '../../fast/callbacks/receiver.ts';
import { testConfig } from '../../support/api_options.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// What an operator does besides bulk operations (specification U3 to U6) in a real Chromium, over a real API and a
// runner: CSV, dismissal, decisions about errors, a corrected payload, callbacks, pauses.

const config = testConfig({ WEBHOOK_SECRETS: secretOf('a'), ALLOW_PRIVATE_TARGETS: 'true' });
const runner = { callbacks: { allowPrivate: true, secrets: SECRETS } };
const { api, submit, open } = await startDashboard({ config, runner });

const task = async (id: string) => (await api.call('GET', `/v1/tasks/${id}`)).body;

async function failed(message: string, more: object = {}): Promise<string> {
  const id = await submit('example.fail', { times: 9, message }, { max_attempts: 1, ...more });
  await until('it has failed', async () => (await task(id)).state === 'failed');
  return id;
}

const groupOf = async (message: string) => {
  const { body } = await api.call('GET', '/v1/errors');
  return body.groups.find((one: { message: string }) => one.message === message);
};

/** Gives the reason, and confirms. */
async function confirm(page: Page, action: string, reason: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill(reason);
  await dialog.getByRole('button', { name: action, exact: true }).click();
  await until('the dialog is closed', async () => (await dialog.count()) === 0);
}

test('all tasks of the filter are saved as CSV, not only this page of them', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 60; index++)
    ids.push(await submit('example.echo', { message: `number ${index}` }, { tags: ['csv'] }));
  const { page, complaints } = await open('/tasks?tag=csv');
  await page.locator('tbody tr').first().waitFor();
  expect(await page.locator('tbody tr').count()).toBeLessThan(60);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'download all that match' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('tasks.csv');
  const [head = '', ...lines] = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  expect(head.split(',').slice(0, 2)).toEqual(['id', 'name']);
  expect(lines.map((line) => line.split(',')[0]).toSorted()).toEqual(ids.toSorted());
  expect(complaints).toEqual([]);
});

test('a failure that needs nobody is dismissed with a reason, and leaves its group', async () => {
  const id = await failed('paid by phone');
  const { page, complaints, shot } = await open(`/tasks/${id}`);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  const act = page.getByRole('dialog').getByRole('button', { name: 'Dismiss' });
  expect(await act.isDisabled()).toBe(true);
  await confirm(page, 'Dismiss', 'the customer has paid');
  await page.locator('.task-lead .tag', { hasText: 'dismissed' }).waitFor();
  await shot('dismissed');
  expect(await page.getByRole('button', { name: 'Dismiss', exact: true }).count()).toBe(0);
  expect(await groupOf('paid by phone')).toBeUndefined();
  const { body } = await api.call('GET', `/v1/audit?task_id=${id}`);
  expect(body.entries).toMatchObject([{ action: 'dismiss', reason: 'the customer has paid' }]);
  expect(complaints).toEqual([]);
});

test('a group of errors is ignored, opened again and resolved, and comes back when a task fails with it', async () => {
  await failed('the disk is full');
  const { error_group } = await groupOf('the disk is full');
  const { page, complaints } = await open('/errors');
  const row = (text = 'the disk is full') => page.locator('tbody tr', { hasText: text });
  await row().getByRole('button', { name: 'Ignore' }).click();
  await confirm(page, 'Ignore', 'known');
  await until('it is out of sight', async () => (await row().count()) === 0);
  await page.getByRole('button', { name: 'Ignored' }).click();
  await row().getByRole('button', { name: 'Reopen' }).click();
  await confirm(page, 'Reopen', 'not known any more');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await row().getByRole('link', { name: 'the disk is full' }).click();
  await page.getByRole('heading', { name: 'What is known' }).waitFor();
  await page.getByRole('button', { name: 'Resolve' }).click();
  await confirm(page, 'Resolve', 'a larger disk');
  await page.getByText('a larger disk').waitFor();
  await failed('the disk is full');
  expect(await groupOf('the disk is full')).toMatchObject({ error_group, status: 'regressed' });
  await page.goto(`${api.url}/ui/errors`);
  await row().getByText('regressed').waitFor();
  const { body } = await api.call('GET', '/v1/audit');
  const acts = body.entries.map(({ action, reason }: { action: string; reason: string }) => [action, reason]);
  expect(acts).toEqual(
    expect.arrayContaining([
      ['ignore_errors', 'known'],
      ['reopen_errors', 'not known any more'],
      ['resolve_errors', 'a larger disk'],
    ]),
  );
  expect(complaints).toEqual([]);
});

test('a queue and a namespace are paused with a reason, and resumed', async () => {
  const { page, complaints, shot } = await open('/queues');
  await page.getByRole('button', { name: 'Pause text.count_words' }).click();
  await confirm(page, 'Pause', 'the dictionary is rebuilt');
  const row = page.locator('tbody tr', { hasText: 'text.count_words' });
  await row.getByText('“the dictionary is rebuilt”').waitFor();
  const id = await submit('text.count_words', { text: 'a b' });
  await page.getByRole('button', { name: 'Pause text', exact: true }).click();
  await confirm(page, 'Pause', 'all of it');
  await shot('queues_paused');
  expect((await task(id)).state).toBe('queued');
  await page.getByRole('button', { name: 'Resume text', exact: true }).click();
  await confirm(page, 'Resume', 'done');
  await page.getByRole('button', { name: 'Resume text.count_words' }).click();
  await confirm(page, 'Resume', 'it is rebuilt');
  await until('its task has succeeded', async () => (await task(id)).state === 'succeeded');
  expect(complaints).toEqual([]);
});

test('a message to a callback is sent again, with the same id', async () => {
  const receiver = await startReceiver();
  const id = await submit('example.echo', { message: 'tell them' }, { callback_url: `${receiver.url}/hook` });
  await until('it has arrived', () => receiver.received().length === 1);
  const { page, complaints, shot } = await open(`/tasks/${id}`);
  const card = page.getByRole('region', { name: 'Callbacks' });
  await card.locator('.badge', { hasText: 'succeeded' }).waitFor();
  await card.getByRole('button', { name: 'Send again' }).click();
  await confirm(page, 'Send again', 'they have lost it');
  await until('it has arrived again', () => receiver.received().length === 2);
  const [first, second] = receiver.received();
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  await until('both are shown', async () => (await card.locator('tbody tr').count()) === 2);
  await shot('callbacks_task');
  expect(complaints).toEqual([]);
});

test('a URL that has answered 410 is shown as disabled, and enabled again', async () => {
  const receiver = await startReceiver(answering(410));
  await submit('example.echo', { message: 'gone' }, { callback_url: `${receiver.url}/gone` });
  await until('it is disabled', async () => {
    const { body } = await api.call('GET', '/v1/callbacks/disabled');
    return body.callbacks.length === 1;
  });
  const { page, complaints } = await open('/callbacks');
  await page.getByRole('button', { name: 'Enable' }).click();
  await confirm(page, 'Enable', 'they are back');
  await page.getByText('every URL receives its messages').waitFor();
  expect(complaints).toEqual([]);
});
