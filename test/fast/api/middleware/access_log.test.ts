import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { AppOptions } from '../../../../api/app.ts';
import { REDACTED } from '../../../../process/logger.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';

const { pool } = await createDatabase();
const SECRET = 'hunter2-1b7c9f';
const ECHO = '/v1/tasks/example.echo';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** Secrets wherever a caller may put them; the tokens are no good, so that it is also about refusals. */
const HEADERS = {
  Authorization: `Bearer ${SECRET}`,
  'X-API-Key': SECRET,
  Cookie: `session=${SECRET}`,
  'Proxy-Authorization': `Basic ${SECRET}`,
  'Idempotency-Key': SECRET,
  'X-Custom-Token': SECRET,
};

type Line = Record<string, unknown>;

/** An API that logs everything, as a process does, and whose lines are kept whole. */
async function loggingApi(level: string, options: Partial<AppOptions> = {}) {
  const lines: string[] = [];
  const log = pino({ level, redact: REDACTED }, { write: (line: string) => void lines.push(line) });
  const api = await startOwnApi(pool, { ...options, log });
  return { api, lines, parsed: (): Line[] => lines.map((line) => JSON.parse(line)) };
}

/** What a library's error may carry. */
function telltale(): Error {
  const headers = { Authorization: `Bearer ${SECRET}`, authorization: SECRET, 'Set-Cookie': SECRET };
  const request = { headers, body: { password: SECRET } };
  const cause = Object.assign(new Error('the cause'), {
    headers,
    detail: `Failing row contains (${SECRET})`,
  });
  return Object.assign(new Error('it broke', { cause }), {
    headers,
    request,
    config: request,
    response: { config: request },
    detail: `Key (dedup_key)=(${SECRET}) already exists.`,
  });
}

test.each(['trace', 'debug', 'info', 'warn', 'error'])(
  'at the level %s no line has a secret',
  async (level) => {
    const breaks = { submitOne: () => Promise.reject(telltale()) };
    const refuses: Partial<AppOptions> = {
      authenticate: ({ authorization, apiKey }) => {
        throw Object.assign(telltale(), { authorization, apiKey });
      },
    };
    const lines: string[] = [];
    for (const options of [{}, breaks, refuses]) {
      const kept = await loggingApi(level, options);
      const { call } = kept.api;
      await call('POST', ECHO, { payload: { message: SECRET } }, HEADERS);
      await call('POST', ECHO, { payload: { message: 1, [SECRET]: SECRET } }, HEADERS);
      await call('POST', `${ECHO}/batch`, { items: [{ payload: SECRET }] }, HEADERS);
      await call('POST', ECHO, `{"payload": {"message": "${SECRET}"`, HEADERS);
      await call(
        'GET',
        `/v1/tasks?token=${SECRET}&${SECRET}&state=failed&api_key=${SECRET}`,
        undefined,
        HEADERS,
      );
      await call('GET', `/nowhere?password=${SECRET}`, undefined, HEADERS);
      await call('GET', `/health?token=${SECRET}`, undefined, HEADERS);
      await rawGet(kept.api.url, `http://user:${SECRET}@example.com/v1/runners`);
      lines.push(...kept.lines);
    }
    expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
    // The errors themselves are in the log, so that this was about something.
    const errors = lines.map((line) => JSON.parse(line)).filter(({ err }) => err?.message === 'it broke');
    expect(errors.length).toBeGreaterThan(0);
    expect(errors[0].err).toMatchObject({ stack: expect.any(String), cause: { message: 'the cause' } });
  },
);

/** A request whose target has the form that proxies get. */
async function rawGet(url: string, target: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return text(socket);
}

test('each request gives one access line: who asked for what, what was answered, how long it took', async () => {
  const { api, parsed } = await loggingApi('info');
  const asked = [
    ['POST', ECHO, { payload: { message: 'x' } }, 201],
    ['POST', ECHO, { payload: {} }, 400],
    ['GET', '/v1/tasks?state=failed&page_size=5', undefined, 200],
    ['GET', '/nowhere', undefined, 404],
    ['DELETE', '/v1/runners', undefined, 405],
    ['GET', '/metricsandmore', undefined, 404],
  ] as const;
  for (const [index, [method, path, body]] of asked.entries())
    await api.call(method, path, body, { 'X-Request-Id': `request-${index}` });
  const lines = await until('all lines are there', () => {
    const all = parsed();
    return all.length >= asked.length && all;
  });
  expect(lines).toEqual(
    asked.map(([method, url, , status], index) => ({
      level: 30,
      time: expect.any(Number),
      pid: process.pid,
      hostname: expect.any(String),
      request_id: `request-${index}`,
      req: { method, url },
      res: { status },
      actor: 'anonymous',
      duration_ms: expect.any(Number),
      msg: 'request completed',
    })),
  );
});

test('the line says who it was, in which trace, and leaves out parameters that are not ours', async () => {
  const { api, parsed } = await loggingApi('info', {
    authenticate: async () => ({ actor: 'key:ci', namespaces: null, scopes: new Set(['read']) }),
  });
  const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`;
  await api.call('GET', '/v1/tasks?page_size=1&utm=2&name=a.b', undefined, { traceparent });
  const [line] = await until('the line is there', () => parsed().length > 0 && parsed());
  expect(line).toMatchObject({
    actor: 'key:ci',
    trace_id: TRACE_ID,
    req: { url: '/v1/tasks?page_size=1&name=a.b&[redacted]' },
  });
});

test('a failure has its access line, and one with the error, both with the id of the request', async () => {
  const { api, parsed } = await loggingApi('info', { submitOne: () => Promise.reject(telltale()) });
  await api.call('POST', ECHO, { payload: { message: 'fails' } }, { 'X-Request-Id': 'mine' });
  const lines = await until('both are there', () => parsed().length > 1 && parsed());
  expect(lines).toHaveLength(2);
  expect(lines.map(({ request_id }) => request_id)).toEqual(['mine', 'mine']);
  expect(lines[0]).toMatchObject({ level: 50, err: { type: 'Error', message: 'it broke' } });
  expect(lines[1]).toMatchObject({ res: { status: 500 }, actor: 'anonymous', msg: 'request errored' });
  expect(lines[1]).not.toHaveProperty('err');
});

test('who hangs up has a line, too', async () => {
  const { api, parsed } = await loggingApi('info', { submitOne: () => new Promise(() => {}) });
  const gone = new AbortController();
  const asked = fetch(`${api.url}${ECHO}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"payload":{"message":"hangs up"}}',
    signal: gone.signal,
  }).catch(() => {});
  await until('it is being worked on', async () => {
    const { body } = await api.call('GET', '/health/detailed');
    return body.requests_in_flight === 1;
  });
  gone.abort();
  await asked;
  const lines = await until('the line is there', () => parsed().length > 0 && parsed());
  expect(lines).toMatchObject([{ req: { method: 'POST', url: ECHO }, msg: 'request aborted' }]);
});
