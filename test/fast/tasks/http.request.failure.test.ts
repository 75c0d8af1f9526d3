import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { PermanentError } from '../../../core/errors.ts';
import { storageProblems } from '../../../core/json/json.ts';
import { call, failureOf, fenceConnections, startTarget } from './http-harness.ts';

function answering(status: number, headers: Record<string, string> = {}, body: string | Buffer = '') {
  return startTarget((_request, response) => response.writeHead(status, headers).end(body));
}

test.each([408, 425, 429, 500, 502, 503, 504])('%i is worth another attempt', async (status) => {
  const target = await answering(status, {}, 'overloaded');
  const error = await failureOf(call({ url: target.url }));
  expect(error).not.toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({
    name: 'HttpRequestError',
    message: `GET ${target.url} answered ${status}, expected 200 to 299`,
    code: 'UNEXPECTED_STATUS',
    metadata: { status, body: 'overloaded' },
  });
});

test.each([400, 401, 404, 410, 501, 304])('%i is not', async (status) => {
  const target = await answering(status);
  const error = await failureOf(call({ url: target.url }));
  expect(error).toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({ code: 'UNEXPECTED_STATUS', metadata: { status, body: '' } });
});

test('a 200 that is not among expected_status is unexpected', async () => {
  const target = await answering(200);
  const error = await failureOf(call({ url: target.url, expected_status: [202] }));
  expect(error).toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({ message: expect.stringContaining('answered 200, expected 202') });
});

test('retry_status replaces the statuses that are tried again', async () => {
  const missing = await answering(404);
  const broken = await answering(500);
  const retried = { retry_status: [404] };
  expect(await failureOf(call({ url: missing.url, ...retried }))).not.toBeInstanceOf(PermanentError);
  expect(await failureOf(call({ url: broken.url, ...retried }))).toBeInstanceOf(PermanentError);
  expect(await failureOf(call({ url: broken.url, retry_status: [] }))).toBeInstanceOf(PermanentError);
});

const DATE = 'Wed, 21 Oct 2015 07:28:00 GMT';
test.each([
  ['7', 7_000],
  ['0', 0],
  ['99999999', 86_400_000],
  ['9'.repeat(400), 86_400_000],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:00:00 GMT', 0],
  ['Wed, 21 Oct 2065 07:28:00 GMT', 86_400_000],
])('Retry-After: %s asks for %i ms', async (header, retryAfterMs) => {
  for (const status of [429, 503]) {
    const target = await answering(status, { 'retry-after': header, date: DATE });
    expect(await failureOf(call({ url: target.url }))).toMatchObject({ retryAfterMs });
  }
});

test.each(['soon', '-1', '1.5', '', 'Oct 2065'])('Retry-After: %j asks for nothing', async (header) => {
  const target = await answering(503, { 'retry-after': header, date: DATE });
  expect(await failureOf(call({ url: target.url }))).not.toHaveProperty('retryAfterMs');
});

test('Retry-After as a date is measured against our clock when the target tells no time', async () => {
  const target = await startTarget((_request, response) => {
    response.sendDate = false;
    response.writeHead(503, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }).end();
  });
  const error = (await failureOf(call({ url: target.url }))) as { retryAfterMs: number };
  expect(error.retryAfterMs).toBeGreaterThan(1_800_000);
  expect(error.retryAfterMs).toBeLessThanOrEqual(3_600_000);
});

test('keeps the first 2 KiB of an unexpected body, as text that Postgres can hold', async () => {
  const body = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from('€'.repeat(2_000))]);
  const target = await answering(404, {}, body);
  const error = await failureOf(call({ url: target.url }));
  const { metadata } = error as { metadata: { body: string } };
  expect(metadata.body).toMatch(/^\uFFFD\uFFFD€+$/);
  expect(Buffer.byteLength(metadata.body)).toBeLessThanOrEqual(2_048 + 3);
  expect(Buffer.byteLength(metadata.body)).toBeGreaterThan(2_000);
  expect(storageProblems(metadata, '')).toEqual([]);
});

test('an error tells no secret: not of the headers, even when the target echoes them, nor of the URL', async () => {
  const target = await startTarget((request, response) => {
    response
      .writeHead(500)
      .end(`${JSON.stringify(request.headers)} ${request.headers.authorization?.slice(7)}`);
  });
  const headers = {
    Authorization: 'Bearer sesame-open-up',
    Cookie: 'session=crumbs-of-gold; theme=dark',
    'X-Api-Key': 'key-of-the-proxy',
  };
  const error = await failureOf(call({ url: `${target.url}/hook/path-secret?token=query-secret`, headers }));
  const { message, metadata, stack } = error as Error & { metadata: { body: string } };
  expect(metadata.body).toContain('"authorization":"Bearer ***"');
  expect(JSON.stringify({ message, metadata, stack })).not.toMatch(/sesame|crumbs|of-the-proxy|-secret/);
});

test('a redirect is not followed', async () => {
  const used = fenceConnections();
  const target = await answering(302, { location: 'http://169.254.169.254/latest/meta-data/' });
  const error = await failureOf(call({ url: target.url }));
  expect(error).toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({
    message: expect.stringContaining('redirects are not followed'),
    metadata: { status: 302 },
  });
  expect(used).toEqual(['127.0.0.1']);
  expect(target.requests).toHaveLength(1);
});

test('a name that does not resolve may resolve later', async () => {
  const error = await failureOf(
    call(
      { url: 'http://gone.test/' },
      {
        lookup: (_name, _options, callback) =>
          callback(Object.assign(new Error('getaddrinfo ENOTFOUND gone.test'), { code: 'ENOTFOUND' }), []),
      },
    ),
  );
  expect(error).not.toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({
    name: 'HttpRequestError',
    code: 'ENOTFOUND',
    message: 'GET http://gone.test failed: ENOTFOUND: getaddrinfo ENOTFOUND gone.test',
    metadata: { host: 'gone.test' },
  });
});

test.each([
  ['closes the connection', (): string => ''],
  ['does not speak HTTP', (): string => 'hello\r\n\r\n'],
  ['sends headers without bound', () => `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
  ['breaks off its body', () => 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
])('a target that %s is tried again', async (_what, answer) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const error = await failureOf(call({ url: `http://127.0.0.1:${port}` }));
  expect(error).not.toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({
    name: 'HttpRequestError',
    code: expect.any(String),
    metadata: { host: `127.0.0.1:${port}` },
  });
  expect(error).not.toMatchObject({ code: 'TIMEOUT' });
});

test('TLS that fails is tried again', async () => {
  const target = await answering(200);
  const error = await failureOf(call({ url: `https://127.0.0.1:${target.port}` }));
  expect(error).not.toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({ name: 'HttpRequestError', metadata: { host: `127.0.0.1:${target.port}` } });
  expect(target.requests).toEqual([]);
});
