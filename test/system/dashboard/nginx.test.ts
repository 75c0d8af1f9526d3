import { expect, test } from 'vitest';
import { authenticator, makeKey, TRUST } from '../../fast/api/auth/keys.ts';
import { testConfig } from '../../support/api_options.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { startNginx } from '../../support/network/nginx.ts';
import { until } from '../../support/until.ts';
import { openTab, startDashboard } from './dashboard.ts';

// The dashboard below a sub-path (specification U8), behind Debian's nginx with the configuration of the guide, in a
// real Chromium.

const ann = makeKey('ann', { namespaces: ['*'], scopes: ['read', 'submit', 'operate'] });
const authenticate = await authenticator({ ...TRUST, API_KEYS: JSON.stringify([ann.entry]) });
const config = testConfig({ TRUST_PROXY: '1' });
const { api, browser } = await startDashboard({ authenticate, config });
const [block = ''] = blocksOf('docs/guides/deployment.md', 'Behind a proxy', 'nginx', 1);
const proxy = await startNginx(block.replaceAll('http://127.0.0.1:8080', api.url));
const HEADERS = { 'x-api-key': ann.key };

const open = (path: string, more: object = {}) =>
  openTab(browser, proxy, path, { base: '/queue', secret: ann.key, ...more });

const submit = async (name: string, payload: object, more: object = {}): Promise<string> =>
  (await api.call('POST', `/v1/tasks/${name}`, { payload, ...more }, HEADERS)).body.task.id;

test('every page, file and call stays below the sub-path, and nothing is complained of', async () => {
  const id = await submit('example.fail', { times: 9, message: 'no' }, { max_attempts: 1 });
  const path = `/v1/tasks/${id}`;
  await until('it has failed', async () => {
    return (await api.call('GET', path, undefined, HEADERS)).body.state === 'failed';
  });
  const { body } = await api.call('GET', '/v1/errors', undefined, HEADERS);
  const group = encodeURIComponent(body.groups[0].error_group);
  const pages = ['/', '/tasks', `/tasks/${id}`, '/errors', `/errors/${group}`, '/queues', '/runners'];
  for (const one of [...pages, '/schedules', '/schedules/new', '/callbacks', '/audit', '/submit']) {
    const { page, asked, complaints, shot } = await open(one);
    await page.locator('main h1').waitFor();
    await until('nothing loads', async () => (await page.locator('.loading').count()) === 0);
    expect([one, await page.getByText('There is no such page').count()]).toEqual([one, 0]);
    expect(asked.filter((url) => url.startsWith('http') && !url.startsWith(`${proxy}/queue/`))).toEqual([]);
    expect([one, complaints]).toEqual([one, []]);
    await page.reload();
    await page.locator('main h1').waitFor();
    if (one === '/tasks') await shot('nginx');
    await page.context().close();
  }
});

test('changes come over its WebSocket, without a reading in between', async () => {
  const { page, complaints } = await open('/tasks?tag=live');
  const urls: string[] = [];
  const frames: string[] = [];
  // Of all sockets: on a busy machine the page before the reload may open its own late.
  page.on('websocket', (socket) => {
    urls.push(socket.url());
    socket.on('framereceived', ({ payload }) => void frames.push(String(payload)));
  });
  const came = (type: string) =>
    until(`a message ${type}`, () => frames.some((frame) => frame.includes(`"type":"${type}"`)));
  await page.reload();
  await page.getByText('No task matches').waitFor();
  // Before that, the page reads anyway.
  await came('subscribed');
  await submit('example.echo', { message: 'one' }, { tags: ['live'] });
  await came('task');
  expect(new Set(urls)).toEqual(new Set([`${proxy.replace('http', 'ws')}/queue/ws`]));
  await page.getByRole('link', { name: 'example.echo' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a user signs in, follows links, acts and downloads there', async () => {
  const { page, complaints } = await openTab(browser, proxy, '/', { base: '/queue' });
  await page.getByLabel('Token or API key').fill(ann.key);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Submit' }).click();
  await page.getByRole('combobox', { name: /^Task/ }).selectOption('example.echo');
  await page.getByLabel('message').fill('through nginx');
  await page.getByRole('button', { name: 'Submit' }).click();
  await page.getByRole('region', { name: 'Result' }).getByText('through nginx').waitFor();
  expect(page.url()).toContain(`${proxy}/queue/ui/tasks/`);
  await page.getByRole('link', { name: 'Tasks' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'download all that match' }).click();
  expect((await download).suggestedFilename()).toBe('tasks.csv');
  await page.getByRole('link', { name: 'API docs' }).click();
  await page.waitForURL(({ pathname }) => pathname.startsWith('/queue/docs'));
  expect(complaints.filter((one) => !one.includes('status of 401'))).toEqual([]);
});

test('links of the API begin with the sub-path, also where nginx is asked for a body of megabytes', async () => {
  const answer = await fetch(`${proxy}/queue/v1/tasks/example.echo`, {
    ...{ method: 'POST', headers: { ...HEADERS, 'content-type': 'application/json' } },
    body: JSON.stringify({ payload: { message: 'a'.repeat(9_000) }, reason: 'r' }),
  });
  expect(answer.headers.get('location')).toMatch(/^\/queue\/v1\/tasks\//);
  const large = await fetch(`${proxy}/queue/v1/tasks/example.echo`, {
    ...{ method: 'POST', headers: { ...HEADERS, 'content-type': 'application/json' } },
    body: JSON.stringify({ payload: { message: 'a'.repeat(3_000_000) } }),
  });
  // The API says what is wrong with it. nginx alone would refuse it with a page of HTML.
  expect([large.status, large.headers.get('content-type')]).toEqual([400, expect.stringContaining('json')]);
});
