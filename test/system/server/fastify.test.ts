import fastifyExpress from '@fastify/express';
import Fastify from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { errandOn, expectApiBelow, expectSockets } from './host.ts';

const database = await createDatabase();
const lines: string[] = [];
const fastify = Fastify({ logger: { level: 'info', stream: { write: (line: string) => void lines.push(line) } } });
const errand = errandOn(database, { log: fastify.log });

fastify.addHook('onRequest', async (request, reply) => {
  if (request.url.startsWith('/private') && request.headers['x-user'] === undefined)
    await reply.code(401).send('who are you?');
});
// After the hooks that are to run before Errand: it adds one.
await fastify.register(fastifyExpress);
fastify.use('/jobs', errand.router);
fastify.use('/private', errand.router);
fastify.get('/', async () => 'the shop');
fastify.post('/orders', async (request) => ({ ordered: request.body }));
await errand.start();
const origin = await fastify.listen({ port: 0, host: '127.0.0.1' });
errand.attach(fastify.server, '/jobs');
errand.attach(fastify.server, '/private');
afterAll(() => fastify.close());

test('the API works below a path, and links begin with the path', () => expectApiBelow(origin, '/jobs'));

test('routes of the application stay with it', async () => {
  expect((await call(origin, 'GET', '/')).text).toBe('the shop');
  expect((await call(origin, 'POST', '/orders', { a: 1 })).body).toEqual({ ordered: { a: 1 } });
  expect((await call(origin, 'GET', '/v1/tasks')).body).toMatchObject({ message: 'Route GET:/v1/tasks not found' });
});

test('hooks of the application run before, for WebSockets too', async () => {
  expect((await call(`${origin}/private`, 'GET', '/v1/tasks')).text).toBe('who are you?');
  await expect(openSocket(`${origin}/private`)).rejects.toThrow('401');
  await expectSockets(`${origin}/private`, { 'x-user': 'ann' }, 20);
});

test('lines of Errand go to the log of the application', async () => {
  const { body } = await call(`${origin}/jobs`, 'GET', '/v1/nothing');
  const ofRequest = lines.map((line) => JSON.parse(line)).find((line) => line.request_id === body.request_id);
  expect(ofRequest).toMatchObject({ req: { method: 'GET', url: '/jobs/v1/nothing' }, res: { status: 404 } });
});
