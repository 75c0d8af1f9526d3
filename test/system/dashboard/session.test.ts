import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { authenticator, claims, makeKey, makePair, sign, TRUST } from '../../fast/api/auth/keys.ts';
import { createDatabase } from '../../support/database.ts';
import { startPrefixProxy } from '../../support/network/prefix_proxy.ts';
import { startProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { openTab, startDashboard } from './dashboard.ts';

// Who may see what, and where the dashboard is reached (specification U7, U8), in a real Chromium.

const { privateKey, pem } = makePair();
const everything = makeKey('ann', { namespaces: ['*'], scopes: ['read', 'submit', 'operate'] });
const reading = makeKey('bob', { namespaces: ['example'], scopes: ['read'] });
const token = await sign(privateKey, claims({ worker_namespaces: ['example'], scope: 'read operate' }));
const authenticate = await authenticator({
  ...TRUST,
  JWT_PUBLIC_KEY: pem,
  API_KEYS: JSON.stringify([everything.entry, reading.entry]),
});
const { api, open, browser } = await startDashboard({ authenticate, runner: false });
const ASSETS = join(import.meta.dirname, '..', '..', '..', 'dashboard', 'dist', 'assets');

const ALL = everything.key;

/** Complaints besides those of the browser about the status of an answer. */
const besides = (complaints: string[], status: number): string[] =>
  complaints.filter((one) => !one.includes(`status of ${status}`));

describe('signing in', () => {
  test('without credentials only the sign-in is shown, and nothing of the queue is asked for', async () => {
    const { page, complaints, asked, shot, findings } = await open('/tasks');
    await page.getByRole('heading', { name: 'Sign in to Errand' }).waitFor();
    await shot('sign_in');
    expect(await findings()).toEqual([]);
    const calls = asked.filter((url) => url.includes('/v1/'));
    expect(calls.every((url) => url.endsWith('/v1/principal'))).toBe(true);
    expect(besides(complaints, 401)).toEqual([]);
  });

  test('wrong credentials are refused in words, and are not kept', async () => {
    const { page } = await open('/tasks');
    await page.getByLabel('Token or API key').fill('errand_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('refused').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('with a key the pages are shown, and the tab forgets it at the sign-out', async () => {
    const { page, complaints } = await open('/tasks');
    await page.getByLabel('Token or API key').fill(ALL);
    await page.keyboard.press('Enter');
    await page.getByText('No tasks yet').waitFor();
    await page.getByText('May read, submit tasks, operate everywhere').waitFor();
    expect(await page.evaluate('[sessionStorage.length, localStorage.length, document.cookie]')).toEqual([
      1,
      0,
      '',
    ]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Errand' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    expect(besides(complaints, 401)).toEqual([]);
  });

  test('a user who may only read sees no actions, and the server refuses them', async () => {
    await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'x' } }, { 'x-api-key': ALL });
    const secret = reading.key;
    const { page, complaints } = await open('/tasks', { secret });
    await page.getByRole('link', { name: 'example.echo' }).waitFor();
    await page.getByText('May read in example').waitFor();
    for (const name of ['Retry all', 'Cancel all', 'Cancel example.echo', 'Submit', 'Audit'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    const pages = await page.getByRole('navigation').getByRole('link').allTextContents();
    expect(pages).toEqual(expect.arrayContaining(['Home', 'Tasks', 'Errors', 'Queues', 'API docs']));
    expect(pages).not.toEqual(expect.arrayContaining(['Submit']));
    expect(pages).not.toEqual(expect.arrayContaining(['Audit']));
    for (const [method, path] of [
      ['POST', '/v1/tasks/cancel'],
      ['PUT', '/v1/queues/example/pause'],
    ] as const)
      expect((await api.call(method, path, {}, { 'x-api-key': secret })).status).toBe(403);
    expect(complaints).toEqual([]);
  });

  test('a token signs in, too, and its scopes decide what is shown', async () => {
    const { page, complaints } = await open('/tasks');
    await page.getByLabel('Token or API key').fill(token);
    await page.keyboard.press('Enter');
    await page.getByText('user:alice').waitFor();
    await page.getByText('May read, operate in example').waitFor();
    await page.getByRole('button', { name: 'Cancel example.echo' }).first().waitFor();
    expect(await page.getByRole('link', { name: 'Submit' }).count()).toBe(0);
    expect(besides(complaints, 401)).toEqual([]);
  });

  test('a page without rights says which scope is missing', async () => {
    const { page, findings } = await open('/audit', { secret: reading.key });
    await page.getByRole('heading', { name: 'No rights' }).waitFor();
    await page.getByText('needs the scope operate').waitFor();
    expect(await findings()).toEqual([]);
  });
});

describe('the place of the dashboard', () => {
  test('below the prefix of a proxy all pages, files and calls stay below it', async () => {
    const proxy = await startPrefixProxy(api.url, false);
    const { page, asked, complaints } = await openTab(browser, proxy, '/tasks', {
      base: '/queue',
      secret: ALL,
    });
    await page.getByRole('link', { name: 'example.echo' }).click();
    await page.getByRole('region', { name: 'Explanation' }).waitFor();
    await page.reload();
    await page.getByRole('region', { name: 'Explanation' }).waitFor();
    expect(asked.filter((url) => url.startsWith('http') && !url.startsWith(`${proxy}/queue/`))).toEqual([]);
    expect(complaints.filter((one) => !one.includes('WebSocket'))).toEqual([]);
  });

  test('the files are cached for good, the page is not, and both allow no inline code', async () => {
    const page = await fetch(`${api.url}/ui/tasks/1`);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const policy = String(page.headers.get('content-security-policy'));
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const html = await page.text();
    expect(html).toContain('<base href="../">');
    const [script] = /\.\/assets\/index-[\w-]+\.js/.exec(html) ?? [];
    const asset = await fetch(new URL(script ?? '', `${api.url}/ui/`), {
      headers: { 'accept-encoding': 'gzip, br' },
    });
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-encoding')).toBe('br');
    for (const name of ['..%2Findex.html', 'nothing.js', 'index.js.map', '%2e%2e%2findex.html'])
      expect((await fetch(`${api.url}/ui/assets/${name}`)).status).not.toBe(200);
  });

  test('the first view of each page is under 150 KB compressed', async () => {
    for (const path of ['/', '/tasks', '/submit']) {
      const { page, asked } = await open(path, { secret: ALL });
      await page.locator('main h1').waitFor();
      const names = asked.flatMap((url) => /\/assets\/([^/]+)$/.exec(url)?.[1] ?? []);
      expect(names.length).toBeGreaterThan(1);
      const known = new Set(readdirSync(ASSETS));
      const bytes = names.map(
        (name) => statSync(join(ASSETS, known.has(`${name}.gz`) ? `${name}.gz` : name)).size,
      );
      expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
    }
  });
});

test('while the API is away the page says so and keeps what it has, and goes on by itself', async () => {
  const { url } = await createDatabase();
  const port = String(await freePort('127.0.0.1'));
  const first = await startProcess('api/main.ts', url, { SERVER_PORT: port });
  await fetch(`${first.url}/v1/tasks/example.echo`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"payload":{"message":"hello"}}',
  });
  const { page, shot, findings } = await openTab(browser, first.url, '/tasks');
  await page.getByRole('link', { name: 'example.echo' }).waitFor();
  first.child.kill('SIGKILL');
  await first.exited;
  await page.getByText('The API is away.').waitFor();
  await page.getByRole('link', { name: 'example.echo' }).waitFor();
  await shot('away');
  expect(await findings()).toEqual([]);
  await startProcess('api/main.ts', url, { SERVER_PORT: port });
  await until('the banner is gone', async () => (await page.getByText('The API is away.').count()) === 0);
  expect(await page.getByRole('link', { name: 'example.echo' }).count()).toBe(1);
});
