import { expect, test } from 'vitest';
import { setState } from '../../fast/api/streams/streaming.ts';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The page of a task (specification U3) in a real Chromium, over a real API and a runner.

const { api, pool, submit, open } = await startDashboard();

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

test('a workflow is shown as a graph with its states and its critical path', async () => {
  const id = await submit('example.mixed', { number: 4 });
  await until('it has ended', async () => ['succeeded', 'failed'].includes(await stateOf(id)));
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  const graph = page.getByRole('region', { name: 'Graph of the steps' });
  await graph.getByRole('button', { name: /report.*on the critical path/ }).waitFor();
  expect(await graph.getByRole('button').count()).toBe(7);
  await graph.getByRole('button', { name: /halve.*skipped/ }).click();
  await page.getByRole('region', { name: 'Step halve' }).getByText('Attempt').waitFor();
  await shot('workflow');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
});

test('a step is resolved in place, and the steps after it continue', async () => {
  await api.call('PUT', '/v1/queues/example.mixed.add_one/pause');
  const id = await submit('example.mixed', { number: 40 });
  const { page, complaints, shot } = await open(`/tasks/${id}`);
  await page.getByRole('button', { name: /^add_one/ }).click();
  const detail = page.getByRole('region', { name: 'Step add_one' });
  await detail.getByRole('button', { name: 'Resolve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Result, as JSON').fill('{"number": ');
  await dialog.getByText('This is not JSON').waitFor();
  await dialog.getByLabel('Result, as JSON').fill('{"number": "many"}');
  await dialog.getByLabel('Reason').fill('counted by hand');
  await dialog.getByRole('button', { name: 'Resolve' }).click();
  await dialog.getByRole('alert').getByText('number').waitFor();
  await dialog.getByLabel('Result, as JSON').fill('{"number": 41}');
  await dialog.getByRole('button', { name: 'Resolve' }).click();
  await page.locator('h1 + .lead .badge', { hasText: 'succeeded' }).waitFor();
  await page.getByRole('button', { name: /^add_one.*resolved/ }).waitFor();
  await shot('workflow_resolved');
  expect(complaints.filter((one) => !one.includes('status of 400'))).toEqual([]);
});

test('the page follows a task to its end', async () => {
  const id = await submit('example.sleep', { ms: 1_500 });
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  await page.locator('h1 + .lead .badge', { hasText: 'succeeded' }).waitFor();
  await shot('task_succeeded');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
});

test('the tasks of a map are folded, and shown in their place in the graph, the failed ones first', async () => {
  await api.call('PUT', '/v1/queues/http/pause');
  const urls = Array.from({ length: 12 }, (_, index) => `https://pages.invalid/${index}`);
  const id = await submit('report.build', { urls, title: 'twelve pages' });
  const { page, complaints, shot, findings } = await open(`/tasks/${id}`);
  const graph = page.getByRole('region', { name: 'Graph of the steps' });
  const unfold = graph.getByRole('button', { name: 'Unfold the 12 tasks of fetch' });
  await unfold.waitFor();
  const before = await graph.getByRole('button', { name: /^combine/ }).boundingBox();
  await unfold.focus();
  await page.keyboard.press('Enter');
  const list = graph.getByRole('list', { name: 'Tasks of fetch' });
  await until('eight, and how many more', async () => (await list.getByRole('listitem').count()) === 9);
  await list.getByText('and 4 more tasks').waitFor();
  // The steps after it stay in line with it.
  expect(await graph.getByRole('button', { name: /^combine/ }).boundingBox()).not.toEqual(before);
  const last = (await api.call('GET', `/v1/tasks?name=http.request&page_size=1`)).body.tasks[0].id;
  await setState(pool, last, 'failed');
  await list.getByText('1 failed').waitFor();
  const first = list.getByRole('listitem').first();
  await until('it is the first', async () => (await first.textContent())?.includes('failed'));
  expect(await first.getByRole('link').getAttribute('href')).toContain(last);
  await shot('workflow_unfolded');
  expect(await findings()).toEqual([]);
  await page.keyboard.press('Enter');
  await until('they are folded', async () => (await list.count()) === 0);
  await api.call('DELETE', `/v1/tasks/${id}`);
  await api.call('PUT', '/v1/queues/http/resume');
  expect(complaints).toEqual([]);
});
