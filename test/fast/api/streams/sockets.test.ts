import { request } from 'node:http';
import { expect, test } from 'vitest';
import { STREAM_TIMING } from '../../../../api/streams/feed/event_stream.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { setState } from './streaming.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const echo = (name = 'example.echo') => submitOne(pool, { name, payload: { message: 'x' } });
// Names that no task has can't be subscribed to.
await pool.query(
  `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
   select name, split_part(name, '.', 1), '1.0.0', '', '{}', '{}'
     from (select 'n.a' || count as name from generate_series(1, 100) count
            union all select unnest('{a.b,c.d.e,u.one,u.two,n.b}'::text[])) names`,
);
const NOWHERE = '01a00000-0000-7000-8000-000000000000';

test('a client is told of the changes of what it has subscribed to: a task, a name, a namespace', async () => {
  const task = await echo();
  const client = await openSocket(api.url);
  expect(await client.ask({ type: 'subscribe', task: task.id })).toEqual({
    type: 'subscribed',
    task: task.id,
    state: 'queued',
  });
  await setState(pool, task.id, 'running');
  const told = {
    type: 'task',
    id: task.id,
    name: 'example.echo',
    attempt: 1,
    progress: null,
    parent_id: null,
  };
  expect(await client.changes(1)).toEqual([{ ...told, state: 'running' }]);
  expect(await client.ask({ type: 'subscribe', name: 'a.b' })).toEqual({ type: 'subscribed', name: 'a.b' });
  expect(await client.ask({ type: 'subscribe', namespace: 'c' })).toEqual({
    type: 'subscribed',
    namespace: 'c',
  });
  const [, , ofName, ofNamespace] = [
    await echo('a.other'),
    await echo('x.b'),
    await echo('a.b'),
    await echo('c.d.e'),
  ];
  const changes = await client.changes(3);
  expect(changes.slice(1).map(({ id }) => id)).toEqual([ofName?.id, ofNamespace?.id]);
});

test('a workflow tells of its steps, too; and what concerns a client twice is told once', async () => {
  const client = await openSocket(api.url);
  await client.ask({ type: 'subscribe', namespace: 'example' });
  const { body } = await api.call('POST', '/v1/tasks/example.linear', { payload: { number: 3 } });
  expect(body.task, JSON.stringify(body)).toBeDefined();
  await client.ask({ type: 'subscribe', task: body.task.id });
  await startTestRunner(pool);
  const done = await until('the workflow is done', () =>
    client.messages.find(({ id, state }) => id === body.task.id && state === 'succeeded'),
  );
  expect(done).toMatchObject({ type: 'task', name: 'example.linear', parent_id: null });
  const texts = client.messages.filter(({ type }) => type === 'task').map((one) => JSON.stringify(one));
  const steps = client.messages.filter(({ parent_id }) => parent_id === body.task.id);
  expect(new Set(steps.map(({ name }) => name)).size).toBeGreaterThan(1);
  expect(texts.filter((text) => text.includes('"state":"succeeded"')).length).toBe(
    new Set(texts.filter((text) => text.includes('"state":"succeeded"'))).size,
  );
});

test('after it has unsubscribed it is told no more', async () => {
  const client = await openSocket(api.url);
  await client.ask({ type: 'subscribe', name: 'u.one' });
  await client.ask({ type: 'subscribe', name: 'u.two' });
  await echo('u.one');
  await client.changes(1);
  expect(await client.ask({ type: 'unsubscribe', name: 'u.one' })).toEqual({
    type: 'unsubscribed',
    name: 'u.one',
  });
  await echo('u.one');
  await echo('u.two');
  expect((await client.changes(2)).map(({ name }) => name)).toEqual(['u.one', 'u.two']);
});

test('it works with several API processes: what one submits clients of the other hear', async () => {
  const other = await startApi(pool);
  const client = await openSocket(other.url);
  await client.ask({ type: 'subscribe', namespace: 'example' });
  const { body } = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'far' } });
  expect(await client.changes(1)).toMatchObject([{ id: body.task.id, state: 'queued' }]);
});

test.each([
  ['not json', 'BAD_REQUEST'],
  [[], 'BAD_REQUEST'],
  [{ type: 'publish', name: 'a.b' }, 'BAD_REQUEST'],
  [{ type: 'subscribe' }, 'BAD_REQUEST'],
  [{ type: 'subscribe', name: 'a.b', namespace: 'a' }, 'BAD_REQUEST'],
  [{ type: 'subscribe', name: 'a.b', more: 1 }, 'BAD_REQUEST'],
  [{ type: 'subscribe', name: '' }, 'BAD_REQUEST'],
  [{ type: 'subscribe', task: 'x' }, 'BAD_REQUEST'],
  [{ type: 'subscribe', task: NOWHERE }, 'NOT_FOUND'],
  [{ type: 'subscribe', name: 'a.bb' }, 'NOT_FOUND'],
  [{ type: 'subscribe', namespace: 'exampel' }, 'NOT_FOUND'],
])('%j is answered with an error, and the connection stays', async (message, code) => {
  const client = await openSocket(api.url);
  expect(await client.ask(message)).toMatchObject({
    type: 'error',
    code,
    error: expect.stringMatching(/^[A-Z]/),
  });
  expect(await client.ask({ type: 'subscribe', name: 'a.b' })).toMatchObject({ type: 'subscribed' });
});

test('a name that there is not is told with those that look like it, and a name that only the ledger has is known', async () => {
  const client = await openSocket(api.url);
  const { error } = await client.ask({ type: 'subscribe', name: 'example.ecko' });
  expect(error).toMatch(/^There is no task "example.ecko": did you mean example.echo/);
  const { error: other } = await client.ask({ type: 'subscribe', namespace: 'exampel' });
  expect(other).toBe('There is no namespace "exampel": did you mean example?');
  await echo('was.there');
  for (const topic of [{ name: 'was.there' }, { namespace: 'was' }, { name: 'example.linear.double' }])
    expect(await client.ask({ type: 'subscribe', ...topic })).toEqual({ type: 'subscribed', ...topic });
});

test('there is a limit of subscriptions, of the length of a message and of connections', async () => {
  const own = await startOwnApi(pool, { config: testConfig({ MAX_STREAMS: '1' }) });
  const client = await openSocket(own.url);
  for (let count = 1; count <= 100; count++) {
    expect(await client.ask({ type: 'subscribe', name: `n.a${count}` })).toMatchObject({
      type: 'subscribed',
    });
  }
  expect(await client.ask({ type: 'subscribe', name: 'n.b' })).toMatchObject({
    code: 'BAD_REQUEST',
    name: 'n.b',
  });
  expect(await client.ask({ type: 'subscribe', name: 'n.a1' })).toMatchObject({ type: 'subscribed' });
  await expect(openSocket(own.url)).rejects.toThrow('503');
  client.send('x'.repeat(20_000));
  expect((await client.closed)[0]).toBe(1009);
  await until('the place is free again', () => openSocket(own.url).catch(() => null));
});

test('who does not answer a ping until the next one is cut off, and who does is not', async () => {
  const own = await startOwnApi(pool, { config: testConfig({ WS_HEARTBEAT_SECS: '0.1' }) });
  const [silent, alive] = [await openSocket(own.url, { autoPong: false }), await openSocket(own.url)];
  let pings = 0;
  alive.socket.on('ping', () => pings++);
  expect((await silent.closed)[0]).toBe(1006);
  const before = pings;
  await until('there are more pings', () => pings > before + 2);
  expect(alive.socket.readyState).toBe(alive.socket.OPEN);
});

test('a process on its way out closes with 1001, also when the other end does not answer', async () => {
  const own = await startOwnApi(pool);
  const client = await openSocket(own.url);
  own.stopping.abort();
  expect(await client.closed).toEqual([1001, 'the process is stopping: connect again']);
});

test('its time being up, a connection is closed with 1001', async () => {
  const own = await startOwnApi(pool, { streamTiming: { ...STREAM_TIMING, lifetimeMs: 50 } });
  const client = await openSocket(own.url);
  expect((await client.closed)[0]).toBe(1001);
});

test('the subprotocol is agreed on when it is offered', async () => {
  expect((await openSocket(api.url, { protocols: ['errand.v1', 'errand.bearer.x'] })).socket.protocol).toBe(
    'errand.v1',
  );
  expect((await openSocket(api.url)).socket.protocol).toBe('');
});

/** Asks for an upgrade as it is given, and gives what is answered. */
function upgradeRequest(
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const asked = request(`${api.url}${path}`, { method, headers, agent: false }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (text) => {
        answer += text;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: answer }));
    });
    asked.once('upgrade', () => reject(new Error('it was upgraded')));
    asked.once('error', reject).end(body);
  });
}

test('what is no WebSocket is answered in the shape of all errors, and h2c as if it had not been asked for', async () => {
  expect(await api.call('GET', '/ws')).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
  const connection = 'Upgrade';
  const wanted = { connection, upgrade: 'websocket' };
  const elsewhere = await upgradeRequest('/v1/tasks/stats', wanted);
  expect(elsewhere.status).toBe(200);
  expect(JSON.parse((await upgradeRequest('/nowhere', wanted)).body)).toMatchObject({ code: 'NOT_FOUND' });
  expect((await upgradeRequest('/ws', wanted)).status).toBe(400);
  const java = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'content-type': 'application/json' };
  const payload = { message: 'by way of Java' };
  const { status } = await upgradeRequest('/v1/tasks/example.echo', java, JSON.stringify({ payload }));
  expect(status).toBe(201);
});
