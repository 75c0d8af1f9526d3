import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import { afterAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { until } from '../../support/until.ts';
import { askForH2c, errandOn, expectApiBelow, expectSockets } from './host.ts';

const database = await createDatabase();
const errand = errandOn(database);
/** What the application's own log says of each request, when it is answered. */
const logged: { url: string; id: unknown; body: unknown }[] = [];
const hostLog: RequestHandler = (request, response, next) => {
  response.once('finish', () =>
    logged.push({ url: request.originalUrl, id: request.id, body: request.body as unknown }),
  );
  next();
};
const signedIn: RequestHandler = (request, response, next) => {
  if (request.headers['x-user'] === undefined) return void response.status(401).send('who are you?');
  response.locals.user = request.headers['x-user'];
  next();
};

const app = express();
app.use(pinoHttp({ level: 'silent', genReqId: () => 'of-the-host' }), hostLog);
app.get('/', (_request, response) => void response.send('the shop'));
app.use('/jobs', errand.router);
app.use('/a/deep/path/', errand.router);
app.use('/private', signedIn, errand.router);
app.use('/parsed', express.json(), errand.router);
app.use('/text', express.text({ type: '*/*' }), errand.router);
app.use('/swallowed', express.json(), (request, _response, next) => {
  request.body = undefined;
  next();
}, errand.router);
app.use((_request, response) => void response.status(404).send('the shop has no such page'));

const server: Server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
errand.attach(server, '/jobs/');
errand.attach(server, '/private');
afterAll(() => server.close());
const early = await call(`${origin}/jobs`, 'GET', '/v1/tasks');
await errand.start();

test('before the start, requests are asked to come back', () => {
  expect(early).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
  expect(early.headers.get('retry-after')).toBe('1');
});

test('the API works below a path, and links begin with the path', () => expectApiBelow(origin, '/jobs'));
test('the same below a deeper path', () => expectApiBelow(origin, '/a/deep/path'));

test('paths of the application stay with it', async () => {
  expect((await call(origin, 'GET', '/')).text).toBe('the shop');
  expect((await call(origin, 'GET', '/nothing')).text).toBe('the shop has no such page');
  expect((await call(origin, 'GET', '/v1/tasks')).text).toBe('the shop has no such page');
});

test('middleware of the application runs before', async () => {
  expect((await call(`${origin}/private`, 'GET', '/v1/tasks')).text).toBe('who are you?');
  expect((await call(`${origin}/private`, 'GET', '/v1/tasks', undefined, { 'x-user': 'ann' })).status).toBe(200);
  await expect(openSocket(`${origin}/private`)).rejects.toThrow('401');
  await expectSockets(`${origin}/private`, { 'x-user': 'ann' }, 11);
});

test('the application logs its own URL, id and body', async () => {
  logged.length = 0;
  await call(`${origin}/parsed`, 'POST', '/v1/tasks/shop.add', { payload: { a: 5 } });
  expect(logged).toEqual([
    { url: '/parsed/v1/tasks/shop.add', id: 'of-the-host', body: { payload: { a: 5 } } },
  ]);
});

test('each answer has an id of Errand, whatever ids the application gives', async () => {
  const { body, headers } = await call(`${origin}/jobs`, 'GET', '/v1/nothing');
  expect(body.request_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(headers.get('x-request-id')).toBe(body.request_id);
  const given = await call(`${origin}/jobs`, 'GET', '/v1/nothing', undefined, { 'x-request-id': 'mine' });
  expect(given.body.request_id).toBe('mine');
});

test('a body that the application has parsed is accepted', async () => {
  const submitted = await call(`${origin}/parsed`, 'POST', '/v1/tasks/shop.add', { payload: { a: 7 } });
  expect(submitted).toMatchObject({ status: 201, body: { task: { payload: { a: 7 } } } });
  const refused = await call(`${origin}/parsed`, 'POST', '/v1/tasks/shop.add', { payload: { a: 'x' } });
  expect(refused).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  const text = await call(`${origin}/text`, 'POST', '/v1/tasks/shop.add', '{"payload":{"a":8}}', {
    'content-type': 'text/plain',
  });
  expect(text.status).toBe(415);
});

test('a parsed body whose numbers may be rounded is refused, with the remedy', async () => {
  for (const number of ['9007199254740993', '1e400']) {
    const { status, body } = await call(
      `${origin}/parsed`,
      'POST',
      '/v1/tasks/shop.add',
      `{"payload":{"a":${number}}}`,
    );
    expect([status, body.code]).toEqual([400, 'BAD_REQUEST']);
    expect(body.error).toContain('mount the router of Errand before the body parser');
  }
});

test('a body that the application has read and thrown away is refused, with the remedy', async () => {
  const { status, body } = await call(`${origin}/swallowed`, 'POST', '/v1/tasks/shop.add', { payload: { a: 1 } });
  expect([status, body.code]).toEqual([500, 'INTERNAL_ERROR']);
  expect(body.error).toContain('mount the router of Errand before the body parser');
});

test('WebSockets of Errand, of the application and upgrades to other protocols live side by side', async () => {
  expect(await askForH2c(`${origin}/`)).toBe(200);
  expect(await askForH2c(`${origin}/jobs/v1/tasks`)).toBe(200);
  await expectSockets(`${origin}/jobs`, {}, 12);
  const own = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/chat/ws') own.handleUpgrade(request, socket, head, (chat) => chat.send('"hello"'));
  });
  const chat = await openSocket(`${origin}/chat`);
  await until('the application greets', () => chat.messages[0] === 'hello');
  await expectSockets(`${origin}/jobs`, {}, 13);
  own.close();
});
