import { expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { makeKey } from '../../fast/api/auth/keys.ts';
import { addLines, setState, taskWithLines, upTo } from '../../fast/api/streams/streaming.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { startChromium } from './chromium.ts';

// What the guide gives a page to follow a task with credentials, in a real Chromium.

const { pool, url: databaseUrl } = await createDatabase();
const browser = await startChromium();
const { key, entry } = makeKey('page', { namespaces: ['*'], scopes: ['read'] });
const [follow = ''] = blocksOf('docs/guides/streams.md', 'From a browser', 'js', 1);

type Heard = [kind: string, data: { seq: number }];

test("the guide's function follows a task to its end, with one ticket after the other", async () => {
  const port = String(await freePort('127.0.0.1'));
  const start = (): Promise<TestProcess> =>
    startProcess('api/main.ts', databaseUrl, {
      SERVER_PORT: port,
      AUTH_ENABLED: 'true',
      API_KEYS: JSON.stringify([entry]),
    });
  let api = await start();
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`${api.url}/docs`);
  await page.addScriptTag({ content: `${follow}; const heard = []; globalThis.heard = heard;` });
  await page.evaluate(
    `void follow('/v1/tasks/${id}/logs', { 'x-api-key': '${key}' }, (kind, data) => heard.push([kind, data]))`,
  );
  const heard = (): Promise<Heard[]> =>
    page.evaluate(() => (globalThis as unknown as { heard: Heard[] }).heard);
  await until('the first line has come', async () => (await heard()).length === 1);
  // With another key no ticket holds any more, as after their minute.
  api.child.kill('SIGKILL');
  await api.exited;
  await pool.query('update errand.ticket_key set key = default');
  await addLines(pool, id, 2, 4);
  api = await start();
  await until('the others have come', async () => (await heard()).length === 4);
  await setState(pool, id, 'succeeded');
  await until('the end has come', async () => (await heard()).at(-1)?.[0] === 'end');
  expect((await heard()).slice(0, -1).map(([, { seq }]) => seq)).toEqual(upTo(4));
  expect(asked.filter((path) => path === '/v1/stream-tickets').length).toBe(2);
});

test('a page whose WebSocket is refused is told why', async () => {
  const api = await startProcess('api/main.ts', databaseUrl, {
    AUTH_ENABLED: 'true',
    API_KEYS: JSON.stringify([entry]),
  });
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  await page.goto(`${api.url}/docs`);
  const ends = (credential: string): Promise<[number | string, string]> =>
    page.evaluate(
      (offered) =>
        new Promise((resolve) => {
          const socket = new WebSocket(`ws://${offered.host}/ws`, [
            'errand.v1',
            `errand.bearer.${offered.credential}`,
          ]);
          socket.addEventListener('close', ({ code, reason }) => resolve([code, reason]));
          socket.addEventListener('open', () =>
            socket.send(JSON.stringify({ type: 'subscribe', namespace: 'example' })),
          );
          socket.addEventListener('message', ({ data }) => {
            if (!String(data).includes('"connected"')) resolve(['heard', String(data)]);
          });
        }),
      { credential, host: new URL(api.url).host },
    );
  expect(await ends(`${key.slice(0, -1)}!`)).toEqual([4401, expect.stringContaining('API key')]);
  expect(await ends(key)).toEqual(['heard', expect.stringContaining('subscribed')]);
});
