import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { call, chunkReceived, failureOf, firstConnectionEnded, startTarget } from './http-harness.ts';

// The deadline's clock is moved by hand; sockets go on in real time.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('a target that never answers is left when timeout_ms has passed, not before', async () => {
  const target = await startTarget(() => {});
  const settled = vi.fn();
  const error = failureOf(call({ url: target.url, timeout_ms: 600_000 })).finally(settled);
  await once(target.server, 'request');
  await vi.advanceTimersByTimeAsync(599_999);
  expect(settled).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(await error).toMatchObject({
    name: 'HttpRequestError',
    code: 'TIMEOUT',
    message: `GET ${target.url} took longer than timeout_ms (600000)`,
    metadata: { host: `127.0.0.1:${target.port}` },
  });
  await firstConnectionEnded(target);
});

test('a target that sends a byte now and then gets no more time', async () => {
  const target = await startTarget((_request, response) => response.write('.'));
  const error = failureOf(call({ url: target.url, timeout_ms: 30_000 }));
  const [, response] = await once(target.server, 'request');
  await chunkReceived();
  for (let second = 0; second < 30; second += 10) {
    const byte = chunkReceived();
    response.write('.');
    await byte;
    vi.advanceTimersByTime(10_000);
  }
  expect(await error).toMatchObject({ name: 'HttpRequestError', code: 'TIMEOUT' });
  await firstConnectionEnded(target);
});

test('a name server that never answers is left when timeout_ms has passed', async () => {
  const asked = Promise.withResolvers<void>();
  const lookup = () => asked.resolve();
  const error = failureOf(call({ url: 'http://slow.test', timeout_ms: 5_000 }, { lookup }));
  await asked.promise;
  vi.advanceTimersByTime(5_000);
  expect(await error).toMatchObject({ name: 'HttpRequestError', code: 'TIMEOUT' });
});

test('an unexpected status counts even when its body does not end in time', async () => {
  const target = await startTarget((_request, response) => response.writeHead(404).write('no such'));
  const error = failureOf(call({ url: target.url }));
  await chunkReceived();
  vi.advanceTimersByTime(30_000);
  expect(await error).toMatchObject({ name: 'PermanentError', metadata: { status: 404, body: 'no such' } });
});

test('a request that has ended leaves no timer', async () => {
  const target = await startTarget((_request, response) => response.writeHead(404).end());
  await failureOf(call({ url: target.url, timeout_ms: 600_000 }));
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ['before the answer', undefined],
  ['in the middle of an expected answer', 200],
  ['in the middle of an unexpected answer', 503],
])('an abort %s ends the request at once, with its own reason', async (_when, status) => {
  const target = await startTarget((_request, response) => {
    if (status !== undefined) response.writeHead(status).write('begin');
  });
  const attempt = new AbortController();
  const error = failureOf(call({ url: target.url }, { signal: attempt.signal }));
  await (status === undefined ? once(target.server, 'request') : chunkReceived());
  const reason = new Error('cancelled by its owner');
  attempt.abort(reason);
  expect(await error).toBe(reason);
  await firstConnectionEnded(target);
});

test('an abort while the name is being resolved ends the request at once', async () => {
  const asked = Promise.withResolvers<void>();
  const attempt = new AbortController();
  const error = failureOf(
    call({ url: 'http://slow.test' }, { lookup: () => asked.resolve(), signal: attempt.signal }),
  );
  await asked.promise;
  const reason = new Error('cancelled by its owner');
  attempt.abort(reason);
  expect(await error).toBe(reason);
});

test('an attempt that is aborted before it starts sends nothing', async () => {
  const target = await startTarget((_request, response) => response.end());
  const reason = new Error('shutting down');
  expect(await failureOf(call({ url: target.url }, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(target.sockets).toEqual([]);
});
