import { randomBytes } from 'node:crypto';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../core/errors.ts';
import { defineTask, type Handler, type TaskDefinition } from '../../../core/task.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createSender } from '../../../tasks/http/send.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';
import { loadRegistry } from '../../../tasks/index.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished } from '../../support/tasks.ts';
import { startTarget } from '../tasks/http-harness.ts';
import { registerSdk, traced } from './recorded.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const tracer = trace.getTracer('a handler');

beforeAll(registerSdk);

/** A caller's trace context, and the ids in it. */
function caller(flags = '01') {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

/** The shipped example.echo with another handler. */
function echoWith(handler: Handler) {
  const definition = loadRegistry({ NODE_ENV: 'test' }).get('example.echo') as TaskDefinition;
  return new Map([registeredHandler(definition, handler)]);
}

function parentOf(span: ReadableSpan | undefined): string | undefined {
  return span?.parentSpanContext?.spanId;
}

const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;

async function submitEcho(message: string, headers: Record<string, string>): Promise<string> {
  const { status, body } = await api.call(
    'POST',
    '/v1/tasks/example.echo',
    { payload: { message } },
    headers,
  );
  expect(status).toBe(201);
  return body.task.id;
}

test("one trace leads from the caller over the API to the handler's own span", async () => {
  const { traceId, spanId, traceparent } = caller();
  const seen: (string | null)[] = [];
  await startTestRunner(pool, {
    registeredHandlers: echoWith(async (_payload, { traceparent: own }) => {
      seen.push(own);
      await new Promise((resolve) => setImmediate(resolve));
      tracer.startSpan('its own').end();
      return { messages: [] };
    }),
  });
  const id = await submitEcho('one trace', { traceparent });
  const [send, process, own, ...more] = await traced(traceId, 3);
  expect(more).toEqual([]);
  expect(send).toMatchObject({
    name: 'send example.echo',
    kind: SpanKind.PRODUCER,
    attributes: {
      'messaging.system': 'errand',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'example.echo',
    },
  });
  expect(parentOf(send)).toBe(spanId);
  expect(process).toMatchObject({
    name: 'process example.echo',
    kind: SpanKind.CONSUMER,
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'messaging.system': 'errand',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'example.echo',
      'messaging.message.id': id,
      'errand.task.id': id,
      'errand.attempt': 1,
      'errand.outcome': 'succeeded',
    },
  });
  expect(parentOf(process)).toBe(idOf(send));
  expect(process?.links.map((link) => link.context.spanId)).toEqual([idOf(send)]);
  expect(own?.name).toBe('its own');
  expect(parentOf(own)).toBe(idOf(process));
  expect(seen).toEqual([`00-${traceId}-${idOf(process)}-01`]);
  // What is stored leads to the span of the submission.
  expect((await finished(pool, id)).traceparent).toBe(`00-${traceId}-${idOf(send)}-01`);
});

test('each attempt is a span of its own; failures are recorded in theirs', async () => {
  const { traceId, traceparent } = caller();
  const definition = defineTask({
    name: 'test.flaky',
    version: '1.0.0',
    description: 'For a test',
    payload: z.strictObject({}),
    example: {},
    policy: { backoff: { initialMs: 1, maxMs: 1, jitter: 0 }, dedup: { strategy: 'none' } },
  }) as unknown as TaskDefinition;
  const handler: Handler = (_payload, { attempt }) => {
    if (attempt === 1) throw new RangeError('not yet');
    throw new PermanentError('never', { code: 'HOPELESS' });
  };
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(definition, handler)]) });
  const own = await startApi(pool, {
    registry: { ...loadRegistry({ NODE_ENV: 'test' }), definitions: [definition], get: () => definition },
  });
  const { body } = await own.call('POST', '/v1/tasks/test.flaky', { payload: {} }, { traceparent });
  expect((await finished(pool, body.task.id)).state).toBe('failed');
  const [send, first, second, ...more] = await traced(traceId, 3);
  expect(more).toEqual([]);
  expect([parentOf(first), parentOf(second)]).toEqual([idOf(send), idOf(send)]);
  expect(first).toMatchObject({
    attributes: { 'errand.attempt': 1, 'errand.outcome': 'failed', 'error.type': 'RangeError' },
    status: { code: SpanStatusCode.ERROR, message: 'not yet' },
    events: [
      {
        name: 'exception',
        attributes: {
          'exception.type': 'RangeError',
          'exception.message': 'not yet',
          'exception.stacktrace': expect.stringContaining('spans.test.ts'),
        },
      },
    ],
  });
  expect(second).toMatchObject({
    attributes: { 'errand.attempt': 2, 'error.type': 'HOPELESS' },
    status: { code: SpanStatusCode.ERROR, message: 'never' },
  });
});

test('a batch is sent in one span, which all of its tasks lead to', async () => {
  const { traceId, traceparent } = caller();
  const items = ['a', 'b', 'c'].map((message) => ({ payload: { message: `batch ${message}` } }));
  const { body } = await api.call('POST', '/v1/tasks/example.echo/batch', { items }, { traceparent });
  const [send] = await traced(traceId, 1);
  expect(send?.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
  for (const { id } of body.items) {
    expect((await getTask(pool, id))?.traceparent).toBe(`00-${traceId}-${idOf(send)}-01`);
  }
});

test('a submission without a trace begins one; a refused one says why in its span', async () => {
  const key = { 'Idempotency-Key': 'of a trace' };
  const id = await submitEcho('a trace of its own', key);
  expect((await getTask(pool, id))?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const { traceId, traceparent } = caller();
  const failing = await startApi(pool, { submitOne: () => Promise.reject(new Error('no way')) });
  await failing.call('POST', '/v1/tasks/example.echo', { payload: { message: 'x' } }, { traceparent });
  const [send] = await traced(traceId, 1);
  expect(send?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no way' });
});

test("a caller's decision not to sample goes all the way", async () => {
  const { traceId, traceparent } = caller('00');
  await startTestRunner(pool);
  const id = await submitEcho('not sampled', { traceparent });
  const { traceparent: stored } = await finished(pool, id);
  expect(stored).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
});

test("the span that the process's own instrumentation has made for a request is the parent", async () => {
  const { traceId, traceparent } = caller();
  const outer = tracer.startSpan('POST');
  const active = trace.setSpan(context.active(), outer);
  const { traceSend } = await import('../../../process/tracing.ts');
  const stored = await context.with(active, () =>
    traceSend({ name: 'a.b', count: 1, traceparent }, async (own) => own),
  );
  expect(stored).toContain(outer.spanContext().traceId);
  expect(stored).not.toContain(traceId);
  const [, send] = await traced(outer.spanContext().traceId, 1).then(async ([first]) => [outer.end(), first]);
  expect(parentOf(send as ReadableSpan)).toBe(outer.spanContext().spanId);
});

test('http.request passes the span of its attempt on to the target', async () => {
  const { traceId, traceparent } = caller();
  const target = await startTarget((_request, response) => response.end('ok'));
  const handler = createSender({ allowPrivate: true }) as Handler;
  await startTestRunner(pool, {
    registeredHandlers: new Map([registeredHandler(httpRequest as unknown as TaskDefinition, handler)]),
  });
  const { body } = await api.call(
    'POST',
    '/v1/tasks/http.request',
    { payload: { url: target.url } },
    { traceparent },
  );
  expect((await finished(pool, body.task.id)).state).toBe('succeeded');
  const [, process] = await traced(traceId, 2);
  expect(target.requests[0]?.headers.traceparent).toBe(`00-${traceId}-${idOf(process)}-01`);
});
