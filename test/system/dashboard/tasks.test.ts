import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The list of tasks, bulk actions and the form (specification U2, U4, U5) in a real Chromium, over a real API and a runner.

const { api, submit, open } = await startDashboard();

const hello = await submit('example.echo', { message: 'hello' }, { tags: ['greeting'], initiator: 'ann' });
const declined = 'the card was declined';
for (let index = 0; index < 7; index++)
  await submit('example.fail', { times: 9, message: declined }, { max_attempts: 1, tags: [`card${index}`] });
await until('they have ended', async () => {
  const { body } = await api.call('GET', '/v1/tasks?state=failed&state=succeeded');
  return body.total === 8;
});

const total = async (query: string): Promise<number> =>
  (await api.call('GET', `/v1/tasks?${query}`)).body.total;

test('every filter is in the URL, and its link shows the same to others', async () => {
  const { page, complaints } = await open('/tasks');
  const rows = page.locator('tbody tr');
  await page.getByRole('button', { name: 'failed', exact: true }).click();
  await until('only failed ones', async () => (await rows.count()) === 7);
  await page.getByText('More filters').click();
  await page.getByLabel('Tag').fill('card3');
  await page.getByLabel('Error contains').fill('DECLINED');
  await page.getByRole('button', { name: 'Apply' }).click();
  await until('only one', async () => (await rows.count()) === 1);
  expect(new URL(page.url()).search).toBe('?state=failed&tag=card3&error=DECLINED');
  const other = await open(`/tasks${new URL(page.url()).search}`);
  await other.page.locator('tbody tr').first().waitFor();
  expect(await other.page.locator('tbody tr').count()).toBe(1);
  await page.goBack();
  await until('the filter before', async () => (await rows.count()) === 7);
  expect([...complaints, ...other.complaints]).toEqual([]);
});

test('a condition on the payload finds tasks, and says how far it has looked', async () => {
  const { page } = await open('/tasks?payload=/message=hello');
  await page.getByText('Looked into the payloads of').waitFor();
  await until('only the one', async () => (await page.locator('tbody tr').count()) === 1);
  expect(await page.locator('tbody a').first().getAttribute('href')).toContain(hello);
});

test('chosen parts of the payloads are columns, in the URL and in the file', async () => {
  const { page, complaints } = await open('/tasks?state=failed');
  await page.getByText('More filters').click();
  await page.getByLabel('Columns of the payload').fill('message, times');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('columnheader', { name: '/message' }).waitFor();
  await until(
    'their values',
    async () => (await page.getByRole('cell', { name: declined, exact: true }).count()) === 7,
  );
  expect(new URL(page.url()).searchParams.get('fields')).toBe('/message,/times');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^CSV ?: download/ }).click(),
  ]);
  const lines = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\r\n');
  expect(lines).toHaveLength(1 + 7);
  expect(lines[0]).toMatch(/^id,name,state,.*,payload\/message,payload\/times$/);
  expect(lines.slice(1).every((line) => line.endsWith(`,${declined},9`))).toBe(true);
  await page.getByRole('button', { name: /^Column \/times/ }).click();
  await until(
    'without it',
    async () => (await page.getByRole('columnheader', { name: '/times' }).count()) === 0,
  );
  expect(complaints).toEqual([]);
});

test('the rows of a table are saved as they are shown, with exact times and without buttons', async () => {
  const { page, complaints } = await open('/errors');
  await page.locator('tbody tr').first().waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV of Groups of errors: save these rows' }).click(),
  ]);
  const [head, row] = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\r\n');
  expect([download.suggestedFilename(), head]).toEqual([
    'groups_of_errors.csv',
    'Tasks,Error,First,Last,Actions',
  ]);
  expect(row).toMatch(/^7,.*the card was declined example\.fail,\d{4}-\d\d-\d\dT.* version [\d.]+,.*,$/);
  expect(complaints).toEqual([]);
});

test('new tasks appear by themselves, and not while the list is held', async () => {
  const { page, complaints, asked } = await open('/tasks?tag=fresh');
  await page.getByText('No task matches').waitFor();
  await submit('example.echo', { message: 'one' }, { tags: ['fresh'] });
  await page.getByRole('link', { name: 'example.echo' }).waitFor();
  await page.getByRole('button', { name: 'Live' }).click();
  const lists = () => asked.filter((url) => url.includes('/v1/tasks?')).length;
  const before = lists();
  await submit('example.echo', { message: 'two' }, { tags: ['fresh'] });
  await page.getByRole('button', { name: /Held · \d+ changes/ }).waitFor();
  // Twice as long as a list that is not held would wait before it reads again.
  await page.waitForTimeout(4_000);
  expect([lists() - before, await page.locator('tbody tr').count()]).toEqual([0, 1]);
  await page.getByRole('button', { name: 'Held' }).click();
  await until('both are there', async () => (await page.locator('tbody tr').count()) === 2);
  expect(complaints).toEqual([]);
});

test('a bulk retry counts first, asks for its limits, and shows its progress; all of it by the keyboard', async () => {
  const { page, complaints, shot, findings } = await open(`/tasks?state=failed`);
  await page.locator('tbody tr').first().waitFor();
  const focused = () => page.evaluate('document.activeElement?.textContent?.trim() ?? ""') as Promise<string>;
  for (let step = 0; (await focused()) !== 'Retry all …'; step++) {
    expect(step).toBeLessThan(40);
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('7').first().waitFor();
  expect(await total('state=failed')).toBe(7);
  await dialog.getByLabel('Per second').fill('2');
  await dialog.getByLabel('Reason').fill('the bank is up again');
  await shot('bulk');
  expect(await findings()).toEqual([]);
  await page.keyboard.press('Enter');
  await dialog.getByText('The task that does it').waitFor();
  await shot('bulk_progress');
  await dialog.locator('.badge', { hasText: 'succeeded' }).waitFor();
  await page.keyboard.press('Escape');
  await until('it is closed', async () => (await dialog.count()) === 0);
  expect(await focused()).toBe('Retry all …');
  const { body } = await api.call('GET', '/v1/audit?action=bulk_retry');
  expect(body.entries).toMatchObject([{ reason: 'the bank is up again' }]);
  expect(complaints).toEqual([]);
});

test('a bulk cancellation asks for a word before it destroys', async () => {
  await submit('example.echo', { message: 'later' }, { delay_seconds: 86_400, tags: ['late'] });
  const { page } = await open('/tasks?tag=late');
  await page.getByRole('button', { name: 'Cancel all' }).click();
  const act = page.getByRole('dialog').getByRole('button', { name: 'Cancel 1 task' });
  expect(await act.isDisabled()).toBe(true);
  await page.getByLabel('Type “cancel”').fill('cancel');
  await act.click();
  await until('it is cancelled', async () => (await total('tag=late&state=cancelled')) === 1);
});

test('a task is submitted by the form of its schema, which names what is wrong', async () => {
  const { page, complaints, findings } = await open('/submit');
  await page.getByLabel('Task').selectOption('example.echo');
  await page.getByLabel('message').fill('from a form');
  await page.getByRole('textbox', { name: 'count' }).fill('many');
  await page.getByText('This is no whole number').waitFor();
  expect(await page.getByRole('button', { name: 'Submit' }).isDisabled()).toBe(true);
  await page.getByRole('textbox', { name: 'count' }).fill('2');
  expect(await findings()).toEqual([]);
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('region', { name: 'Result' }).getByText('from a form').waitFor();
  expect(complaints).toEqual([]);
});

test('a failed task is replaced by one with a corrected payload, and both name each other', async () => {
  const id = await submit('example.fail', { times: 9, message: 'wrong amount' }, { max_attempts: 1 });
  await until(
    'it has failed',
    async () => (await api.call('GET', `/v1/tasks/${id}`)).body.state === 'failed',
  );
  const { page, complaints } = await open(`/tasks/${id}`);
  await page.getByRole('link', { name: 'Edit and submit again' }).click();
  await page.getByLabel('times').fill('0');
  await page.getByLabel('Reason').fill('corrected');
  await page.getByRole('button', { name: 'Replace the task' }).click();
  await page.getByText('in place of').waitFor();
  await until('it has succeeded', async () =>
    (await page.locator('.lead .badge').textContent())?.includes('succeeded'),
  );
  const { body } = await api.call('GET', `/v1/tasks/${id}`);
  expect(page.url()).toContain(body.resubmitted_as);
  expect(complaints).toEqual([]);
});
