import { expect, test } from 'vitest';
import { testConfig } from '../../support/api_options.ts';
import { until } from '../../support/until.ts';
import { startChromium } from '../browser/chromium.ts';
import { openTab, startDashboard } from './dashboard.ts';

// The dashboard over plain http under a name that is not localhost, as inside of many networks: browsers give such a
// page neither `crypto.randomUUID` nor a clipboard.

// Without authentication, the API answers to the names of this machine and to those of ALLOWED_HOSTS.
const { api, submit } = await startDashboard({ config: testConfig({ ALLOWED_HOSTS: 'errand.test' }) });
const browser = await startChromium(['--host-resolver-rules=MAP errand.test 127.0.0.1']);

/** Chromium says of two headers that they are for https alone. */
const besides = (complaints: string[]) => complaints.filter((one) => !/untrustworthy|origin-keyed/.test(one));

const url = api.url.replace('127.0.0.1', 'errand.test');

test('tasks are submitted, retried and resubmitted, and there is no button that copies', async () => {
  const { page, complaints } = await openTab(browser, url, '/submit?name=example.echo');
  expect(
    await page.evaluate('[isSecureContext, typeof crypto.randomUUID, typeof navigator.clipboard]'),
  ).toEqual([false, 'undefined', 'undefined']);
  await page.getByLabel('message').fill('over plain http');
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('region', { name: 'Result' }).getByText('over plain http').waitFor();
  expect(await page.getByRole('button', { name: /^Copy/ }).count()).toBe(0);

  const id = await submit('example.fail', { times: 1, message: 'no' }, { max_attempts: 1 });
  const state = async () => (await api.call('GET', `/v1/tasks/${id}`)).body.state;
  await until('it has failed', async () => (await state()) === 'failed');
  await page.goto(`${url}/ui/submit?from=${id}`);
  await page.getByLabel('times').fill('0');
  await page.getByLabel('Reason').fill('corrected');
  await page.getByRole('button', { name: 'Replace the task' }).click();
  await page.getByText('in place of').waitFor();
  await page.getByRole('region', { name: 'Result' }).waitFor();
  expect(besides(complaints)).toEqual([]);
});

test('changes come over the WebSocket there, too', async () => {
  const { page, complaints } = await openTab(browser, url, '/tasks?tag=plain');
  await page.getByText('No task matches').waitFor();
  await submit('example.echo', { message: 'one' }, { tags: ['plain'] });
  await page.getByRole('link', { name: 'example.echo' }).waitFor();
  expect(besides(complaints)).toEqual([]);
});
