import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The page of a task (specification U3) in a real Chromium, over a real API and a runner.

const { api, submit, open } = await startDashboard();

const stateOf = async (id: string): Promise<string> => (await api.call('GET', `/v1/tasks/${id}`)).body.state;

test('a failed task leads with why it failed, and its next step retries it', async () => {
  const id = await submit(
    'example.fail',
    { times: 2, message: 'the card was declined' },
    { max_attempts: 1, tags: ['vip'], initiator: 'ann', reason: 'trying' },
  );
  await until('it has failed', async () => (await stateOf(id)) === 'failed');
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  const explanation = page.getByRole('region', { name: 'Explanation' });
  await explanation.getByText('the card was declined').waitFor();
  await page.getByRole('region', { name: '1 attempt' }).waitFor();
  await shot('task_failed');
  expect(await findings()).toEqual([]);
  await explanation.getByRole('button', { name: 'Retry' }).click();
  await page.getByLabel('Reason').fill('the card was renewed');
  await page.getByRole('button', { name: 'Retry', exact: true }).last().click();
  await page.getByText('was renewed').waitFor();
  const { body } = await api.call('GET', `/v1/audit?task_id=${id}`);
  expect(body.entries).toMatchObject([{ action: 'retry', reason: 'the card was renewed' }]);
  expect(complaints).toEqual([]);
});

test('a workflow is shown as a graph with its states, and a failed step is resolved in place', async () => {
  const id = await submit('example.mixed', { number: 3 });
  await until('it has ended', async () => ['succeeded', 'failed'].includes(await stateOf(id)));
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  await page.getByRole('region', { name: 'Graph of the steps' }).waitFor();
  await shot('workflow');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
});

test('the log is followed while the task runs', async () => {
  const id = await submit('example.sleep', { ms: 1_500 });
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  await page.getByRole('region', { name: 'Log' }).waitFor();
  await page.locator('h1 + .lead .badge', { hasText: 'succeeded' }).waitFor();
  await shot('task_succeeded');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
});
