import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The list of tasks (specification U2, U4) in a real Chromium, over a real API and a runner.

const dashboard = await startDashboard();
const { api, submit, open } = dashboard;

const hello = await submit('example.echo', { message: 'hello' }, { tags: ['greeting'], initiator: 'ann' });
const failed = await Promise.all(
  Array.from({ length: 7 }, (_, index) =>
    submit('example.fail', { times: 9, message: `card ${index} was declined` }, { max_attempts: 1 }),
  ),
);
const later = await submit('example.echo', { message: 'later' }, { delay_seconds: 86_400 });
await until('they have failed', async () => {
  const { body } = await api.call('GET', '/v1/tasks?state=failed');
  return body.total === failed.length;
});

test('the list shows tasks with their states, and a link leads to each', async () => {
  const { page, complaints, shot, findings } = await open('/tasks');
  await page.getByRole('link', { name: 'example.echo' }).first().waitFor();
  expect(await page.locator('tbody tr').count()).toBe(9);
  await shot('tasks');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
  await page.getByRole('link', { name: 'example.echo' }).last().click();
  await until('the page of the task', () => page.url().endsWith(`/ui/tasks/${hello}`));
});
void later;
