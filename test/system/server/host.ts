import { type IncomingMessage, request as send } from 'node:http';
import { afterAll, expect } from 'vitest';
import { createErrand, type Errand, type ErrandOptions } from '../../../server/index.ts';
import { call } from '../../support/api.ts';
import { buildDashboard } from '../../support/build_dashboard.ts';
import type { TestDatabase } from '../../support/database.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { tasks } from './tasks.ts';

/** An Errand without authentication, stopped at the end of the file. */
export function errandOn(database: TestDatabase, options: Partial<ErrandOptions> = {}): Errand {
  const errand = createErrand({
    database: { connectionString: database.url, poolSize: 4, readPoolSize: 2 },
    tasks,
    ...options,
    config: { AUTH_ENABLED: false, LOG_LEVEL: 'silent', RATE_LIMIT_BURST: 0, ...options.config },
  });
  afterAll(() => errand.stop());
  return errand;
}

/** What holds below any path of any application. */
export async function expectApiBelow(origin: string, path: string): Promise<void> {
  const url = `${origin}${path}`;
  const submitted = await call(url, 'POST', '/v1/tasks/shop.add', { payload: { a: path.length } });
  expect(submitted).toMatchObject({ status: 201, body: { task: { payload: { a: path.length } } } });
  const { id } = submitted.body.task as { id: string };
  expect(submitted.headers.get('location')).toBe(`${path}/v1/tasks/${id}`);
  const events = await streamed(`${url}/v1/tasks/${id}/events`);
  expect(events).toContain('succeeded');
  expect((await call(origin, 'GET', `${submitted.headers.get('location')}`)).body).toMatchObject({
    state: 'succeeded',
    result: { sum: path.length + 1 },
  });
  const listed = await call(url, 'GET', '/v1/tasks?name=shop.add&page_size=1');
  expect(listed.headers.get('link')).toContain(`<${path}/v1/tasks?name=shop.add&page_size=1>; rel="first"`);
  await expectRefusals(url, path);
  expect((await call(url, 'GET', '/docs')).text).toContain('./docs/assets/swagger-ui.css');
  expect((await call(url, 'GET', '/docs/assets/swagger-ui.css')).status).toBe(200);
  await expectDashboard(url);
  expect((await call(url, 'GET', '/openapi.yaml')).text).toContain('/v1/tasks/shop.add:');
  expect((await call(url, 'GET', '/ready')).body).toMatchObject({ status: 'ready' });
  expect((await call(url, 'GET', '/metrics')).text).toContain('errand_');
}

/** Its files are found from each of its pages, however deep that is. */
async function expectDashboard(url: string): Promise<void> {
  buildDashboard();
  for (const page of ['/ui', '/ui/', '/ui/tasks', '/ui/tasks/1']) {
    const { text } = await call(url, 'GET', page);
    const [base, script] = [/<base href="([^"]+)">/, /src="(\.\/assets\/[^"]+)"/].map(
      (one) => one.exec(text)?.[1],
    );
    const file = new URL(String(script), new URL(String(base), `${url}${page}`));
    expect((await fetch(file)).headers.get('content-type'), `${page} ${file}`).toContain('javascript');
  }
}

async function expectRefusals(url: string, path: string): Promise<void> {
  const bad = await call(url, 'POST', '/v1/tasks/shop.add', { payload: { a: 'two', c: 1 } });
  expect(bad).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  expect(bad.body.details).toHaveLength(2);
  // The validator of the document has to find the operation below the path.
  for (const query of ['page_size=1000', 'unknown=1'])
    expect(await call(url, 'GET', `/v1/tasks?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_FAILED', details: [{ path: `/query/${query.split('=')[0]}` }] },
    });
  expect(await call(url, 'GET', '/v1/tasks/nonsense')).toMatchObject({ status: 400 });
  for (const unknown of ['/v1/nothing', '/', '/v1/tasks/shop.add/nothing'])
    expect(await call(url, 'GET', unknown), `${path}${unknown}`).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    });
  expect(await call(url, 'PUT', '/v1/tasks')).toMatchObject({ status: 405 });
  expect(await call(url, 'GET', '/v1/tasks?error=100%2525')).toMatchObject({ status: 200 });
}

/** Opens a WebSocket below the path, and hears of a task. */
export async function expectSockets(
  url: string,
  headers: Record<string, string> = {},
  a = 10,
): Promise<Awaited<ReturnType<typeof openSocket>>> {
  const socket = await openSocket(url, { headers });
  expect(await socket.ask({ type: 'subscribe', name: 'shop.add' })).toMatchObject({ type: 'subscribed' });
  await call(url, 'POST', '/v1/tasks/shop.add', { payload: { a } }, headers);
  const changes = await socket.changes(1);
  expect(changes[0]).toMatchObject({ type: 'task', name: 'shop.add' });
  return socket;
}

async function streamed(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return response.text();
}

/** Sends a request that asks for another protocol, as a client of h2c does. Gives the answer's status. */
export async function askForH2c(url: string): Promise<number | undefined> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, { headers: { connection: 'upgrade', upgrade: 'h2c' } }, resolve);
    request.once('error', reject);
    request.end();
  });
  answer.resume();
  return answer.statusCode;
}
