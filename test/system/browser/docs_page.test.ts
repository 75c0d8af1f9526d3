import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { authenticator, claims, makeKey, makePair, sign, TRUST } from '../../fast/api/auth/keys.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startPrefixProxy } from '../../support/network/prefix_proxy.ts';
import { startChromium } from './chromium.ts';

// /docs as a person uses it, in a real Chromium, of an API that asks who one is, for reads, too. `.ci/run` installs the browser;
// `npm test` leaves this out.

const { pool } = await createDatabase();
const { privateKey, pem } = makePair();
const { key, entry } = makeKey('docs', { namespaces: ['*'], scopes: ['read', 'submit'] });
const token = await sign(privateKey, claims({ worker_namespaces: ['*'], scope: 'read' }));
const environment = { ...TRUST, JWT_PUBLIC_KEY: pem, API_KEYS: JSON.stringify([entry]) };
const api = await startApi(pool, { authenticate: await authenticator(environment) });
const browser = await startChromium();

type Docs = { page: Page; complaints: string[]; asked: string[] };

/** The page in a browser that knows nothing, its operations shown; with what the browser complains of and asks for. */
async function openDocs(at = `${api.url}/docs`): Promise<Docs> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  page.setDefaultTimeout(120_000);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(at);
  await operation(page, 'tasks', 'listTasks').waitFor();
  return { page, complaints, asked };
}

function operation(page: Page, tag: string, id: string): Locator {
  return page.locator(`[id="operations-${tag}-${id}"]`);
}

/** Tries an operation with what the page fills in; gives the status that the server answered and the page shows, and the body shown. */
async function tryOut(page: Page, tag: string, id: string): Promise<{ status: number; body: string }> {
  const block = operation(page, tag, id);
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  const answered = page.waitForResponse((response) => response.url().includes('/v1/'));
  await block.getByRole('button', { name: 'Execute' }).click();
  const response = await answered;
  const live = block.locator('.live-responses-table');
  await live.locator('.response-col_status', { hasText: String(response.status()) }).waitFor();
  return {
    status: response.status(),
    body: String(await live.locator('.highlight-code').first().textContent()),
  };
}

/** Gives the page a credential for one of the schemes that Authorize shows. */
async function authorize(page: Page, scheme: string, credential: string): Promise<void> {
  await page.locator('.auth-wrapper').getByRole('button', { name: 'Authorize' }).click();
  const form = page.locator('.auth-container', { hasText: scheme });
  await form.locator('input').fill(credential);
  await form.getByRole('button', { name: 'Apply credentials' }).click();
  await form.getByRole('button', { name: 'Remove authorization' }).waitFor();
  await page.locator('.modal-ux').getByRole('button', { name: 'Close' }).last().click();
}

test('the page loads without credentials, all of it from this server, and nothing is blocked', async () => {
  const { page, complaints, asked } = await openDocs();
  expect(await page.title()).toBe('Errand API');
  expect(asked).toContain(`${api.url}/openapi.yaml`);
  expect(asked.filter((url) => !url.startsWith(api.url) && !url.startsWith('data:'))).toEqual([]);
  expect(complaints).toEqual([]);
  expect(await page.locator('.opblock').count()).toBeGreaterThan(60);
});

test('behind a proxy that takes a prefix away it loads, and what is tried arrives', async () => {
  const proxy = await startPrefixProxy(api.url, false);
  for (const at of ['/queue/docs', '/queue/docs/']) {
    const { page, complaints, asked } = await openDocs(`${proxy}${at}`);
    expect(asked).toContain(`${proxy}/queue/openapi.yaml`);
    expect(complaints).toEqual([]);
    await authorize(page, 'apiKey', key);
    expect((await tryOut(page, 'runners', 'listRunners')).status).toBe(200);
    expect(asked.filter((url) => url.startsWith('http') && !url.startsWith(`${proxy}/queue/`))).toEqual([]);
  }
});

test('Authorize shows the token and the API key', async () => {
  const { page } = await openDocs();
  await page.locator('.auth-wrapper').getByRole('button', { name: 'Authorize' }).click();
  const forms = page.locator('.auth-container');
  await forms.nth(1).waitFor();
  expect((await forms.locator('h4').allTextContents()).map((text) => text.trim())).toEqual([
    expect.stringMatching(/^bearer.*\(http, Bearer\)$/),
    expect.stringMatching(/^apiKey.*\(apiKey\)$/),
  ]);
  expect(await forms.nth(1).textContent()).toContain('X-API-Key');
});

test('what is tried without credentials is refused', async () => {
  const { page } = await openDocs();
  const { status, body } = await tryOut(page, 'runners', 'listRunners');
  expect(status).toBe(401);
  expect(body).toContain('UNAUTHORIZED');
});

test('an API key is sent with what is tried: a task is submitted', async () => {
  const { page } = await openDocs();
  await authorize(page, 'apiKey', key);
  const { status, body } = await tryOut(page, 'text', 'submitTextCountWords');
  expect(status).toBe(201);
  expect(body).toContain('text.count_words');
  const { rows } = await pool.query('select name from errand.tasks');
  expect(rows).toEqual([{ name: 'text.count_words' }]);
});

test('a token is sent with what is tried, and is held to its scopes', async () => {
  const { page } = await openDocs();
  await authorize(page, 'bearer', token);
  const { status, body } = await tryOut(page, 'runners', 'listRunners');
  expect(status).toBe(200);
  expect(body).toContain('"runners": []');
  expect((await tryOut(page, 'text', 'submitTextCountWords')).status).toBe(403);
});
