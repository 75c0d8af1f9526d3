import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STREAM_TIMING } from '../../../../api/streams/feed/event_stream.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { addLines, reader, scripted, seqs, setState, taskWithLines, upTo } from './streaming.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const logsOf = (id: string, url = api.url): string => `${url}/v1/tasks/${id}/logs`;

test('lines come while they are logged, and the end with the final state', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      scripted('t.live', async (_payload, { log }) => {
        log.info('one');
        await gate;
        log.info('two');
      }),
    ]),
  });
  const { id } = await submitOne(pool, { name: 't.live', payload: {} });
  const source = await reader(logsOf(id));
  expect(source.status).toBe(200);
  expect(source.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  });
  await source.received(1);
  open();
  expect(await source.closed).toBe(true);
  expect(source.retryMs()).toBe(STREAM_TIMING.retryMs);
  expect(source.events).toMatchObject([
    { id: '1', event: 'line', data: { seq: 1, attempt: 1, level: 'info', message: 'one', fields: null } },
    { id: '2', event: 'line', data: { seq: 2, message: 'two' } },
    { id: '2-end', event: 'end', data: { state: 'succeeded' } },
  ]);
});

test('of a task that has ended all lines come at once, however many', async () => {
  const id = await taskWithLines(pool, 1_234);
  const source = await reader(logsOf(id));
  expect(await source.closed).toBe(true);
  expect(seqs(source)).toEqual(upTo(1_234));
  expect(source.events.at(-1)).toMatchObject({ event: 'end', data: { state: 'succeeded' } });
});

test('F23: whoever comes back with Last-Event-ID, after whichever line, gets just the rest', async () => {
  const id = await taskWithLines(pool, 12);
  for (const last of upTo(12, 0)) {
    const source = await reader(logsOf(id), { 'last-event-id': String(last) });
    expect(await source.closed).toBe(true);
    expect(seqs(source)).toEqual(upTo(12, last + 1));
    expect(source.events.at(-1)?.event).toBe('end');
  }
  const after = await reader(`${logsOf(id)}?after=7`);
  expect(await after.closed).toBe(true);
  expect(seqs(after)).toEqual(upTo(12, 8));
});

test('F23: a reader that hangs up again and again while lines are logged loses none and gets none twice', async () => {
  const sizes = fc.sample(fc.integer({ min: 1, max: 40 }), 30);
  const cuts = fc.sample(fc.integer({ min: 1, max: 60 }), 200);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const id = await taskWithLines(pool, 0, { state: 'running' });
  const seen: number[] = [];
  const reading = (async () => {
    for (;;) {
      const source = await reader(logsOf(id), { 'last-event-id': String(seen.at(-1) ?? 0) });
      const most = cuts.pop() ?? 1_000;
      await until(
        'there are enough of them, or all',
        () => source.events.length >= most || source.isClosed(),
      );
      source.close();
      seen.push(...seqs(source));
      if (source.events.at(-1)?.event === 'end') return;
    }
  })();
  let last = 0;
  for (const size of sizes) {
    await addLines(pool, id, last + 1, last + size);
    last += size;
  }
  await setState(pool, id, 'succeeded');
  await reading;
  expect(seen).toEqual(upTo(total));
});

test('it works with several API processes: each hears of what any runner writes', async () => {
  const others = await Promise.all([startApi(pool), startApi(pool)]);
  const id = await taskWithLines(pool, 3, { state: 'running' });
  const sources = await Promise.all([api, ...others].map(({ url }) => reader(logsOf(id, url))));
  for (const source of sources) await source.received(3);
  await addLines(pool, id, 4, 6);
  for (const source of sources) await source.received(6);
  await setState(pool, id, 'succeeded');
  for (const source of sources) expect(await source.closed).toBe(true);
  for (const source of sources) expect(seqs(source)).toEqual(upTo(6));
});

test('while nothing happens a comment shows that somebody is there', async () => {
  const own = await startOwnApi(pool, { streamTiming: { ...STREAM_TIMING, heartbeatMs: 20 } });
  const source = await reader(logsOf(await taskWithLines(pool, 1, { state: 'running' }), own.url));
  await until('there are heartbeats', () => source.comments.length >= 3);
  expect(new Set(source.comments)).toEqual(new Set(['heartbeat']));
});

test('its time being up, a stream ends in order, and goes on where it was', async () => {
  const own = await startOwnApi(pool, { streamTiming: { ...STREAM_TIMING, lifetimeMs: 100 } });
  const id = await taskWithLines(pool, 5, { state: 'running' });
  const source = await reader(logsOf(id, own.url));
  expect(await source.closed).toBe(true);
  expect(seqs(source)).toEqual(upTo(5));
  expect(source.events.at(-1)?.event).toBe('line');
});

test('who asks for the head of a stream alone gets that, and keeps none open', async () => {
  const id = await taskWithLines(pool, 1, { state: 'running' });
  for (const path of ['logs', 'events']) {
    const { status, headers, text } = await api.call('HEAD', `/v1/tasks/${id}/${path}`, undefined, {
      accept: 'text/event-stream',
    });
    expect([status, headers.get('content-type'), text]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      '',
    ]);
  }
  await until('none is open', async () => {
    const { text } = await api.call('GET', '/metrics');
    return text.includes('errand_http_streams{kind="event_stream"} 0\n');
  });
});

test('a process on its way out ends its streams in order', async () => {
  const own = await startOwnApi(pool);
  const source = await reader(logsOf(await taskWithLines(pool, 2, { state: 'running' }), own.url));
  await source.received(2);
  own.stopping.abort();
  expect(await source.closed).toBe(true);
  expect(source.events.map(({ event }) => event)).toEqual(['line', 'line']);
});

test('more streams than there may be are refused, and requests are not in their way', async () => {
  const config = {
    ...(await import('../../../support/api_options.ts')).testConfig({
      MAX_STREAMS: '1',
      MAX_REQUESTS_IN_FLIGHT: '1',
    }),
  };
  const own = await startOwnApi(pool, { config });
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const first = await reader(logsOf(id, own.url));
  await first.received(1);
  const refused = await own.call('GET', `/v1/tasks/${id}/events`);
  expect(refused).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await own.call('GET', `/v1/tasks/${id}/logs`)).status).toBe(200);
  first.close();
  const again = await until('the place is free again', async () => {
    const source = await reader(logsOf(id, own.url));
    return source.status === 200 && source;
  });
  await again.received(1);
});
