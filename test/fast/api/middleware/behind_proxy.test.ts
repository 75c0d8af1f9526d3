import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { startApi, type TestApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { startPrefixProxy } from '../../../support/network/prefix_proxy.ts';

const { pool } = await createDatabase();
const plain = await startApi(pool);
const trusting = await startApi(pool, { config: testConfig({ TRUST_PROXY: '1' }) });
const saying = await startPrefixProxy(trusting.url);
const silent = await startPrefixProxy(plain.url, false);

const json = { 'content-type': 'application/json' };
const newTask = (): string => JSON.stringify({ payload: { message: crypto.randomUUID() } });

async function submit(base: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(`${base}/v1/tasks/example.echo`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: newTask(),
  });
  expect(response.status).toBe(201);
  return response;
}

async function locationOf(api: TestApi, headers: Record<string, string>): Promise<string> {
  const response = await submit(api.url, headers);
  const { task } = (await response.json()) as { task: { id: string } };
  return String(response.headers.get('location')).replace(task.id, ':id');
}

function links(response: Response): Record<string, string> {
  const found = (response.headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="(\w+)"/g);
  return Object.fromEntries([...found].map(([, url = '', rel = '']) => [rel, url]));
}

test('Location leads back through a proxy that takes a prefix away, also that of a bulk operation', async () => {
  const submitted = await submit(`${saying}/queue`);
  const { task } = (await submitted.json()) as { task: { id: string } };
  const location = String(submitted.headers.get('location'));
  expect(location).toBe(`/queue/v1/tasks/${task.id}`);
  const read = await fetch(new URL(location, submitted.url));
  expect([read.status, ((await read.json()) as { id: string }).id]).toEqual([200, task.id]);

  const bulk = await fetch(`${saying}/queue/v1/tasks/cancel`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ filter: { name: 'example.echo' }, per_second: 1 }),
  });
  expect(bulk.status).toBe(202);
  const bulkTask = await fetch(new URL(String(bulk.headers.get('location')), bulk.url));
  expect(await bulkTask.json()).toMatchObject({ name: 'errand.bulk' });
});

test('Link leads through all pages behind such a proxy', async () => {
  for (let n = 0; n < 3; n++) await submit(`${saying}/queue`);
  let url: string | undefined = `${saying}/queue/v1/tasks?name=example.echo&page_size=1`;
  let pages = 0;
  while (url !== undefined && pages < 3) {
    const page: Response = await fetch(url);
    expect(page.status).toBe(200);
    const { first, next } = links(page);
    expect(first).toBe('/queue/v1/tasks?name=example.echo&page_size=1');
    url = next === undefined ? undefined : new URL(next, page.url).href;
    pages += 1;
  }
  expect(pages).toBe(3);
});

test('a ticket for a stream, asked for with the path that the API knows, is good behind such a proxy', async () => {
  const submitted = await submit(`${saying}/queue`);
  const { task } = (await submitted.json()) as { task: { id: string } };
  const path = `/v1/tasks/${task.id}/events`;
  const answer = await fetch(`${saying}/queue/v1/stream-tickets`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ path }),
  });
  const { ticket } = (await answer.json()) as { ticket: string };
  const stream = await fetch(`${saying}/queue${path}?ticket=${ticket}`);
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
});

test('the page /docs, with or without a slash at its end, loads behind a proxy that says nothing of its prefix', async () => {
  for (const at of ['/queue/docs', '/queue/docs/']) {
    const page = await fetch(`${silent}${at}`);
    const loaded = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(loaded.length).toBeGreaterThanOrEqual(4);
    for (const link of loaded) {
      const response = await fetch(new URL(link, page.url));
      expect({ at, link, status: response.status }).toEqual({ at, link, status: 200 });
      await response.body?.cancel();
    }
  }
});

test('its script finds the document, and the document the API, from where they were found', async () => {
  const script = await fetch(`${silent}/queue/docs/start.js`);
  const run = new Function('document', 'SwaggerUIBundle', await script.text());
  let given = '';
  run({ currentScript: { src: script.url } }, (options: { url: string }) => {
    given = options.url;
  });
  const response = await fetch(given);
  const [{ url: server }] = parse(await response.text()).servers;
  expect(new URL(server, response.url).href).toBe(`${silent}/queue/`);
});

test('PUBLIC_URL begins Location and Link, whatever a proxy or a caller says', async () => {
  const config = testConfig({ PUBLIC_URL: 'https://example.com/queue/', TRUST_PROXY: '1' });
  const api = await startApi(pool, { config });
  const said = { 'x-forwarded-prefix': '/other' };
  expect(await locationOf(api, said)).toBe('https://example.com/queue/v1/tasks/:id');
  expect(links(await fetch(`${api.url}/v1/tasks?page_size=2`, { headers: said })).first).toBe(
    'https://example.com/queue/v1/tasks?page_size=2',
  );
});

test('pages below PUBLIC_URL may submit where nobody has to say who they are, and those of others may not', async () => {
  const api = await startApi(pool, { config: testConfig({ PUBLIC_URL: 'https://example.com/queue' }) });
  const from = (origin: string) => api.call('POST', '/v1/tasks/example.echo', newTask(), { ...json, origin });
  expect((await from('https://example.com')).status).toBe(201);
  expect((await from('https://example.org')).status).toBe(403);
});

test('an X-Forwarded-Prefix of somebody who is not trusted changes nothing', async () => {
  expect(await locationOf(plain, { 'x-forwarded-prefix': '/queue' })).toBe('/v1/tasks/:id');
});

test('an X-Forwarded-Prefix that is no plain path is ignored, one with an odd but plain path is not', async () => {
  for (const odd of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'queue',
    '/',
    '/a//b',
    '/../b',
    '/a/%2e%2e',
    '/a b',
    '/a, /b',
    '/a?b',
    '/a#b',
    '/<a>',
    '/a"',
    '/%zz',
    `/${'a'.repeat(256)}`,
  ]) {
    expect([odd, await locationOf(trusting, { 'x-forwarded-prefix': odd })]).toEqual([odd, '/v1/tasks/:id']);
  }
  for (const good of ['/queue', '/queue/', '/a/b-c_d.e~f', '/%C3%A4'])
    expect(await locationOf(trusting, { 'x-forwarded-prefix': good })).toBe(
      `${good.replace(/\/$/, '')}/v1/tasks/:id`,
    );
});

test('line breaks in an X-Forwarded-Prefix, or two of them, put nothing into an answer', async () => {
  for (const [odd, isRead] of [
    ['X-Forwarded-Prefix: /a\rX-Evil: 1', false],
    ['X-Forwarded-Prefix: /a\nX-Evil: 1', false],
    ['X-Forwarded-Prefix: /a\r\n X-Evil: 1', false],
    ['X-Forwarded-Prefix: /a\r\nX-Forwarded-Prefix: /b', true],
  ] as const) {
    const answer = await sendRaw(trusting.url, odd);
    expect({ odd, answer }).not.toMatchObject({ answer: expect.stringMatching(/x-evil|<\/a/i) });
    if (isRead) expect(answer).toContain('</v1/tasks>; rel="first"');
  }
});

async function sendRaw(url: string, header: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes;
  });
  socket.write(`GET /v1/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header}\r\n\r\n`);
  await once(socket, 'close');
  return answer.split('\r\n\r\n')[0] ?? '';
}
