import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { startDashboard } from './dashboard.ts';

// The first page (specification U1) in a real Chromium, over a real API and a runner.

const { api, submit, open } = await startDashboard();

test('a quiet queue says so', async () => {
  const { page, complaints, shot, findings } = await open('/');
  await page.getByText('✓ Nothing.').waitFor();
  await shot('home_quiet');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
});

test('what needs somebody comes first, each with its action: errors, pauses', async () => {
  for (let index = 0; index < 12; index++) {
    await submit('example.fail', { times: 9, message: 'the card was declined' }, { max_attempts: 1 });
    await submit('example.echo', { message: `number ${index}` });
  }
  await submit('example.fail', { times: 9, message: 'no such customer: Robert' }, { max_attempts: 1 });
  const paused = await api.call('PUT', '/v1/queues/text/pause?reason=the%20dictionary%20is%20rebuilt');
  expect(paused.text).toContain('"paused":true');
  await until('they have failed', async () => {
    const { body } = await api.call('GET', '/v1/tasks?state=failed');
    return body.total === 13;
  });
  await until('they are summed up', async () => {
    const { body } = await api.call('GET', '/v1/tasks/stats');
    return body.total.finished.failed === 13;
  });
  const { page, complaints, shot, findings } = await open('/');
  const needs = page.getByRole('region', { name: 'Needs somebody' });
  await needs.getByText('text is paused').waitFor();
  await needs.getByText('the card was declined').waitFor();
  await page.getByRole('region', { name: 'Tasks by name' }).waitFor();
  await shot('home');
  expect(await findings()).toEqual([]);
  expect(complaints).toEqual([]);
  await needs.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await until('it is gone', async () => (await needs.getByText('text is paused').count()) === 0);
});
