import { beforeAll, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// Schedules (specification U6) in a real Chromium, over a real API and a runner: made, changed, paused, started by
// hand, filled up for times that nobody handled, and deleted.

const { api, open } = await startDashboard();
const ID = 'example.hourly';
const PATH = `/v1/schedules/${ID}`;
const schedule = async () => (await api.call('GET', PATH)).body;

beforeAll(async () => {
  const settings = { task: 'example.echo', payload: { message: 'again' }, cron: '0 * * * *', priority: 3 };
  expect((await api.call('PUT', PATH, settings)).status).toBe(201);
});

test('a schedule is made by a form that shows its next times before', async () => {
  const { page, complaints, shot, findings } = await open('/schedules');
  await page.getByRole('link', { name: 'New schedule' }).click();
  await page.getByLabel('Task').selectOption('example.echo');
  await page.getByLabel('Id').fill('example.every_morning');
  await page.getByRole('textbox', { name: /^cron/ }).fill('30 7 * * MON-FRI');
  await page.getByLabel('timezone').fill('Europe/Berlin');
  await page.getByLabel('message').fill('good morning');
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByText('example.every_morning would be made').waitFor();
  expect(await preview.getByRole('listitem').count()).toBe(3);
  await shot('schedule_new');
  expect(await findings()).toEqual([]);
  expect((await api.call('GET', '/v1/schedules/example.every_morning')).status).toBe(404);
  await page.getByRole('button', { name: 'Make the schedule' }).click();
  await page.getByRole('heading', { name: 'Next times' }).waitFor();
  expect((await api.call('GET', '/v1/schedules/example.every_morning')).body.settings).toMatchObject({
    ...{ cron: '30 7 * * MON-FRI', timezone: 'Europe/Berlin', payload: { message: 'good morning' } },
  });
  // A form that is half filled is refused, and the browser tells of that.
  expect(complaints.filter((one) => !one.includes('status of 400'))).toEqual([]);
});

test('a schedule is changed, and what the form does not touch stays', async () => {
  const { page, complaints, shot, findings } = await open(`/schedules/${ID}`);
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: /^cron/ }).fill('0 0 31 2 *');
  await page.locator('.notice-warning', { hasText: 'cron' }).waitFor();
  await page.getByRole('textbox', { name: /^cron/ }).fill('15 * * * *');
  await page.getByText(`${ID} would be changed`).waitFor();
  await page.getByLabel('Reason').fill('a quarter later');
  await shot('schedule_edit');
  expect(await findings()).toEqual([]);
  await page.getByRole('button', { name: 'Change the schedule' }).click();
  await page.getByRole('heading', { name: 'Next times' }).waitFor();
  const changed = await schedule();
  expect(changed.settings).toMatchObject({ cron: '15 * * * *', priority: 3, payload: { message: 'again' } });
  const { body } = await api.call('GET', '/v1/audit?action=put_schedule');
  expect(body.entries[0]).toMatchObject({ reason: 'a quarter later' });
  // The browser tells of an answer that is no success.
  expect(complaints.filter((one) => !one.includes('status of 400'))).toEqual([]);
});

test('a schedule is paused, resumed and started by hand', async () => {
  const { page, complaints, shot } = await open(`/schedules/${ID}`);
  const dialog = page.getByRole('dialog');
  const confirm = async (action: string, reason: string): Promise<void> => {
    await page.getByRole('button', { name: action }).click();
    await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name: action }).click();
    await until('the dialog is closed', async () => (await dialog.count()) === 0);
  };
  await confirm('Pause', 'a holiday');
  await page.getByText('“a holiday”').waitFor();
  await shot('schedule_paused');
  expect((await schedule()).state).toBe('paused');
  await confirm('Resume', 'back at work');
  await page.locator('.lead .badge', { hasText: 'active' }).waitFor();
  await confirm('Run now', 'to see it');
  await until('its task has succeeded', async () => {
    const answer = await api.call('GET', `/v1/tasks?schedule_id=${ID}&state=succeeded`);
    return answer.body.total === 1;
  });
  expect(complaints).toEqual([]);
});

test('a range of times is counted, and then submitted once each', async () => {
  const id = 'example.missed';
  await api.call('PUT', `/v1/schedules/${id}`, {
    ...{ task: 'example.echo', payload: { message: 'missed' }, cron: '15 * * * *' },
  });
  const ended = async (): Promise<number> =>
    (await api.call('GET', `/v1/tasks?schedule_id=${id}&state=succeeded`)).body.total;
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  const at = (hour: string): string => `${day}T${hour}:00`;
  const { page, complaints, shot, findings } = await open(`/schedules/${id}`, { timezoneId: 'UTC' });
  const dialog = page.getByRole('dialog');
  const ask = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Backfill' }).click();
    await dialog.getByLabel('From').fill(at('00'));
    await dialog.getByLabel('To').fill(at('05'));
  };
  await ask();
  await dialog.getByText('5 of 5 times would be submitted').waitFor();
  await dialog.getByLabel('Reason').fill('nobody was up');
  await shot('backfill');
  expect(await findings()).toEqual([]);
  await dialog.getByRole('button', { name: 'Submit 5 tasks' }).click();
  await until('they have run', async () => (await ended()) === 5);
  await ask();
  await dialog.getByText('0 of 5 times would be submitted, 5 had run before').waitFor();
  expect(await dialog.getByRole('button', { name: 'Submit' }).isDisabled()).toBe(true);
  expect(complaints).toEqual([]);
});

test('a schedule is deleted after a word was typed', async () => {
  await api.call('PUT', '/v1/schedules/example.old', {
    ...{ task: 'example.echo', payload: { message: 'old' }, every_seconds: 3_600 },
  });
  const { page, complaints } = await open('/schedules/example.old');
  await page.getByRole('button', { name: 'Delete' }).click();
  const act = page.getByRole('dialog').getByRole('button', { name: 'Delete' });
  expect(await act.isDisabled()).toBe(true);
  await page.getByLabel('Type “delete”').fill('delete');
  await act.click();
  await page.getByRole('heading', { name: 'Schedules' }).waitFor();
  await until('it is gone', async () => (await api.call('GET', '/v1/schedules/example.old')).status === 404);
  expect(complaints.filter((one) => !one.includes('status of 404'))).toEqual([]);
});
