import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { ConnectionError, ErrandError, TimeoutError, UnavailableError } from '../../../client/index.ts';
import { parseRetryAfter } from '../../../client/requests/retry.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { startOwnApi } from '../api/app.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { type Fate, startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const SOME_ID = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';

/** A proxy whose first answers are these. */
async function proxyWith(...fates: Fate[]) {
  const proxy = await startProxy(api.url);
  proxy.decide = () => fates.shift() ?? 'pass';
  return proxy;
}

test('what passes by itself is tried again: broken connections, 408, 429, 502, 503, 504', async () => {
  const proxy = await proxyWith(
    'break',
    { status: 408 },
    { status: 429 },
    { status: 502, body: '<html>' },
    { status: 503 },
    { status: 504 },
  );
  const tasks = [];
  for await (const task of clientOf(proxy.url).list({ tag: randomUUID() })) tasks.push(task);
  expect(tasks).toEqual([]);
  expect(proxy.seen).toHaveLength(7);
  expect(new Set(proxy.seen.map(({ headers }) => headers['x-request-id'])).size).toBe(7);
});

test.each([400, 401, 403, 404, 405, 409, 413, 415, 500, 501, 302])(
  'what does not is not: %i',
  async (status) => {
    const proxy = await proxyWith({ status, headers: { location: '/elsewhere' } });
    const error = await clientOf(proxy.url)
      .get(SOME_ID)
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ErrandError);
    expect([error.status, proxy.seen.length]).toEqual([status, 1]);
  },
);

test('the last error is thrown when retries are used up, or there are none', async () => {
  const proxy = await startProxy(api.url);
  proxy.decide = () => ({
    status: 503,
    body: { error: 'too much', code: 'SERVICE_UNAVAILABLE', request_id: 'abc' },
  });
  const error = await clientOf(proxy.url, { retry: { initialMs: 1, retries: 2 } })
    .get(SOME_ID)
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UnavailableError);
  expect(error).toMatchObject({
    message: 'too much',
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
    requestId: 'abc',
  });
  expect(proxy.seen).toHaveLength(3);
  await expect(clientOf(proxy.url, { retry: false }).get(SOME_ID)).rejects.toThrow(UnavailableError);
  expect(proxy.seen).toHaveLength(4);
});

test.each([
  ['seconds', () => '1'],
  // It has seconds only, so it is from 1 to 2 s away.
  ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
])('Retry-After in %s is heeded', async (_form, value) => {
  const proxy = await proxyWith({ status: 503, headers: { 'retry-after': value() } });
  await clientOf(proxy.url).request('GET', '/v1/tasks');
  const [first, second] = proxy.seen;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(990);
});

test('who is asked to come back in an hour is told so at once', async () => {
  const proxy = await proxyWith({ status: 429, headers: { 'retry-after': '3600' } });
  await expect(clientOf(proxy.url).get(SOME_ID)).rejects.toMatchObject({
    status: 429,
    retryAfterMs: 3_600_000,
  });
  expect(proxy.seen).toHaveLength(1);
});

test('Retry-After is a number of seconds or a date', () => {
  const now = Date.parse('2026-11-21T10:00:00Z');
  expect(parseRetryAfter('120', now)).toBe(120_000);
  expect(parseRetryAfter('Sat, 21 Nov 2026 10:00:30 GMT', now)).toBe(30_000);
  expect(parseRetryAfter('Sat, 21 Nov 2026 09:00:00 GMT', now)).toBe(0);
  for (const none of [null, '', 'soon']) expect(parseRetryAfter(none, now)).toBeUndefined();
});

test('an answer that takes too long is given up and asked for again', async () => {
  const proxy = await proxyWith('swallow', { delayMs: 5_000 });
  await clientOf(proxy.url, { timeoutMs: 500 }).request('GET', '/v1/tasks');
  expect(proxy.seen).toHaveLength(3);
  proxy.decide = () => 'swallow';
  const error = await clientOf(proxy.url, { timeoutMs: 50, retry: false })
    .get(SOME_ID)
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error.message).toBe(`GET ${proxy.url}/v1/tasks/${SOME_ID} took longer than 50 ms`);
  await until('the connections are closed', () => proxy.connections() <= 1);
});

test('an answer of which a part arrives, or that is no JSON, is asked for again', async () => {
  const proxy = await proxyWith({ cutAfterBytes: 20 }, { status: 200, body: '<html>Please log in</html>' });
  const query = { tag: randomUUID() };
  expect(await clientOf(proxy.url).request('GET', '/v1/tasks', { query })).toMatchObject({ tasks: [] });
  expect(proxy.seen).toHaveLength(3);
});

test('an API that is stopped and started again is waited for', async () => {
  const own = await startOwnApi(pool);
  const proxy = await startProxy(own.url);
  const client = clientOf(proxy.url, { retry: { initialMs: 50, retries: 10 } });
  await client.submit('example.echo', { message: randomUUID() });
  own.server.close();
  own.server.closeAllConnections();
  const seenBefore = proxy.seen.length;
  const submitted = client.submit('example.echo', { message: randomUUID() });
  await until('it has tried in vain', () => proxy.seen.length > seenBefore + 1);
  const next = await startOwnApi(pool);
  proxy.target = next.url;
  expect(await submitted).toMatchObject({ created: true });
});

test('nothing listens there', async () => {
  const error = await clientOf('http://127.0.0.1:9', { retry: false })
    .get(SOME_ID)
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error.cause).toBeInstanceOf(TypeError);
});

test('every call ends at once when its signal, or that of its client, is aborted', async () => {
  const proxy = await startProxy(api.url);
  proxy.decide = () => 'swallow';
  const all = new AbortController();
  onTestFinished(() => all.abort());
  type Call = (signal: AbortSignal | undefined, client: ReturnType<typeof clientOf>) => Promise<unknown>;
  const calls: Record<string, Call> = {
    submit: (signal, client) => client.submit('example.sleep', { ms: 1 }, { signal }),
    submitWithKey: (signal, client) =>
      client.submit('example.sleep', { ms: 1 }, { signal, idempotencyKey: randomUUID() }),
    submitMany: (signal, client) =>
      client.submitMany('example.echo', [{ message: 'a' }], { signal, dedup: 'payload' }),
    submitEach: (signal, client) => client.submitEach('example.echo', [{ message: 'a' }], { signal }).next(),
    get: (signal, client) => client.get(SOME_ID, { signal }),
    wait: (signal, client) => client.wait(SOME_ID, { signal }),
    list: (signal, client) => client.list({ signal }).next(),
    logs: (signal, client) => client.logs(SOME_ID, { signal }).next(),
    followed: (signal, client) => client.logs(SOME_ID, { signal, follow: true }).next(),
    events: (signal, client) => client.events(SOME_ID, { signal }).next(),
    cancel: (signal, client) => client.cancel(SOME_ID, { signal }),
    retry: (signal, client) => client.retry(SOME_ID, { signal }),
    explain: (signal, client) => client.explain(SOME_ID, { signal }),
    request: (signal, client) => client.request('GET', '/v1/tasks', { signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const reason = new Error(`enough of ${name}`);
    const own = new AbortController();
    const ofClient = new AbortController();
    const seenBefore = proxy.seen.length;
    const ended = [
      call(own.signal, clientOf(proxy.url)),
      call(undefined, clientOf(proxy.url, { signal: ofClient.signal })),
    ].map((promise) => promise.catch((error: unknown) => error));
    await until(`${name} has been sent`, () => proxy.seen.length === seenBefore + 2);
    own.abort(reason);
    ofClient.abort(reason);
    expect([name, await Promise.all(ended)]).toEqual([name, [reason, reason]]);
    const late = await call(own.signal, clientOf(proxy.url)).catch((error: unknown) => error);
    expect([name, late]).toEqual([name, reason]);
    expect(proxy.seen).toHaveLength(seenBefore + 2);
  }
  await until('all connections are closed', () => proxy.connections() === 0);
});

test('when calls are over no timer of theirs is left', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  // Far longer than the test: what was left would still be there.
  const client = clientOf((await proxyWith('break', { status: 503 })).url, { timeoutMs: 600_000 });
  const task = await client.submit('example.sleep', { ms: 1 }, { delaySeconds: 3_600 });
  await client.get(task);
  await client.logs(task).next();
  await expect(client.get(SOME_ID)).rejects.toThrow(ErrandError);
  const waiting = client.wait(task, { timeoutMs: 600_000 }).catch((error: unknown) => error);
  await client.cancel(task);
  expect(await waiting).toMatchObject({ code: 'TASK_CANCELLED' });
  await until('none is left', () => timers() <= before, 10_000);
});
