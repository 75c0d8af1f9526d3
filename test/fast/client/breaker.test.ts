import { expect, test } from 'vitest';
import { CircuitOpenError, NotFoundError, UnavailableError } from '../../../client/index.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const SOME_ID = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';

const list = (client: ReturnType<typeof clientOf>) => client.request('GET', '/v1/tasks');

test('it opens after failures in a row, lets one through to see, and closes when that succeeds', async () => {
  const proxy = await startProxy(api.url);
  const openMs = 300;
  const client = clientOf(proxy.url, { retry: false, breaker: { failures: 3, openMs } });
  proxy.decide = () => ({ status: 503 });
  for (let failure = 0; failure < 3; failure++) await expect(list(client)).rejects.toThrow(UnavailableError);
  const open = await list(client).catch((thrown): CircuitOpenError => thrown);
  expect(open).toBeInstanceOf(CircuitOpenError);
  expect(open).toMatchObject({
    code: 'CIRCUIT_OPEN',
    status: undefined,
    cause: expect.any(UnavailableError),
  });
  expect((open as CircuitOpenError).retryAfterMs).toBeLessThanOrEqual(openMs);
  expect(proxy.seen).toHaveLength(3);

  // The one that is let through fails: it stays open.
  await until(
    'one is let through',
    async () => (await list(client).catch((thrown) => thrown)) instanceof UnavailableError,
  );
  expect(proxy.seen).toHaveLength(4);
  await expect(list(client)).rejects.toThrow(CircuitOpenError);

  proxy.decide = () => ({ delayMs: 50 });
  await until('it is closed', () =>
    list(client).then(
      () => true,
      () => false,
    ),
  );
  await Promise.all([list(client), list(client)]);
});

test('while one is let through the others wait for what comes of it, unless they are aborted', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url, { retry: false, breaker: { failures: 1, openMs: 1 } });
  proxy.decide = () => 'break';
  await expect(list(client)).rejects.toThrow();
  proxy.seen.length = 0;
  proxy.decide = () => ({ delayMs: 300 });
  await until('it is half open', async () => {
    const probe = list(client);
    let isRefused = false;
    probe.catch(() => {
      isRefused = true;
    });
    await until('it is sent, or not', () => proxy.seen.length > 0 || isRefused);
    if (proxy.seen.length === 0) return false;
    const stop = new AbortController();
    const stopped = client.request('GET', '/v1/tasks', { signal: stop.signal }).catch((thrown) => thrown);
    const waiting = list(client);
    stop.abort(new Error('enough'));
    expect(await stopped).toEqual(new Error('enough'));
    expect(proxy.seen).toHaveLength(1);
    await Promise.all([probe, waiting]);
    return true;
  });
  expect(proxy.seen).toHaveLength(2);
});

test('one that is let through and given up by its caller has seen nothing', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url, { retry: false, breaker: { failures: 1, openMs: 1_000 } });
  proxy.decide = () => 'break';
  await expect(list(client)).rejects.toThrow();
  proxy.decide = () => 'swallow';
  proxy.seen.length = 0;
  await until('it was let through and given up', async () => {
    const stop = new AbortController();
    const probe = client.request('GET', '/v1/tasks', { signal: stop.signal }).catch((thrown) => thrown);
    await until(
      'it is sent, or not',
      async () => proxy.seen.length > 0 || (await Promise.race([probe, Promise.resolve(false)])),
    );
    stop.abort(new Error('enough'));
    return !((await probe) instanceof CircuitOpenError);
  });
  await expect(list(client)).rejects.toThrow(CircuitOpenError);
});

test('answers that are no outage do not count', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url, { retry: false, breaker: { failures: 2 } });
  for (const status of [404, 429, 400, 409, 404]) {
    proxy.decide = () => ({ status });
    await expect(client.get(SOME_ID)).rejects.toMatchObject({ status });
  }
  proxy.decide = () => 'pass';
  await expect(client.get(SOME_ID)).rejects.toThrow(NotFoundError);
});

test('what has begun before it opened goes on after it, what begins then fails at once', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url, {
    retry: { initialMs: 20, retries: 10 },
    breaker: { failures: 2, openMs: 200 },
  });
  proxy.decide = () => ({ status: 502, body: 'Bad Gateway' });
  const begun = list(client);
  await until('it has opened', () => proxy.seen.length === 2);
  // What begins before it has, nearly at once, is tried again for long; so it is not waited for.
  let isRefused = false;
  await until('what begins is refused', () => {
    list(client).catch((error) => {
      isRefused ||= error instanceof CircuitOpenError;
    });
    return isRefused;
  });
  proxy.decide = () => 'pass';
  expect(await begun).toMatchObject({ tasks: [] });
});

test('without a breaker every request is sent', async () => {
  const proxy = await startProxy(api.url);
  const client = clientOf(proxy.url, { retry: false, breaker: false });
  proxy.decide = () => ({ status: 503 });
  for (let failure = 0; failure < 12; failure++) await expect(list(client)).rejects.toThrow(UnavailableError);
  expect(proxy.seen).toHaveLength(12);
});
