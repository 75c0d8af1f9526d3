import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { getTask, listAttempts, type Task } from '../../../store/tasks/tasks.ts';
import type { Outgoing } from '../../../tasks/http/outgoing.ts';
import type { Lookup } from '../../../tasks/http/target.ts';
import { definitions } from '../../../tasks/index.ts';
import { createPost, signedRequest } from '../../../tasks/webhook/send.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import {
  chunkReceived,
  failureOf,
  fenceConnections,
  firstConnectionEnded,
  startTarget,
} from '../tasks/http-harness.ts';
import {
  answering,
  deliveriesDone,
  deliveriesOf,
  secretOf,
  startDelivering,
  startReceiver,
} from './receiver.ts';

// Fault F24: endpoints that hang, never end, redirect or lead elsewhere. No connection leaves loopback, whatever happens.

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

/** The delivery of a task that has ended. */
async function delivery(callbackUrl: string): Promise<{ taskId: string; id: string }> {
  const payload = { message: 'a' };
  const { id: taskId } = await submitOne(pool, { name: 'example.echo', payload, callbackUrl });
  await cancelTask(pool, taskId);
  const [first] = await deliveriesOf(pool, taskId);
  return { taskId, id: String(first?.id) };
}

/** Waits until a delivery has failed for good and gives its task. */
async function failed({ taskId, id }: { taskId: string; id: string }): Promise<Task> {
  expect(await deliveriesDone(pool, taskId, 1)).toMatchObject([{ state: 'failed' }]);
  const task = await getTask(pool, id);
  if (task === null) throw new Error('the delivery is gone');
  return task;
}

function request(url: string): Outgoing {
  return signedRequest({ url, id: 'msg_1', body: '{}', at: new Date() }, [secretOf('a')]);
}

const post = (url: string, signal: AbortSignal = new AbortController().signal) =>
  createPost({ allowPrivate: true })(request(url), signal);

/** A server that writes what a test says, in its own time. */
async function startRaw(): Promise<{ url: string; connected: Promise<net.Socket> }> {
  const { promise: connected, resolve } = Promise.withResolvers<net.Socket>();
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => resolve(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, connected };
}

describe('with the clock in hand', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('F24: an endpoint that never answers is left after 15 s, not before', async () => {
    const target = await startTarget(() => {});
    const settled = vi.fn();
    const error = failureOf(post(target.url)).finally(settled);
    await once(target.server, 'request');
    await vi.advanceTimersByTimeAsync(14_999);
    expect(settled).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(await error).toMatchObject({
      code: 'TIMEOUT',
      message: `POST ${target.url} did not answer within 15 s`,
    });
    await firstConnectionEnded(target);
    // The client of Node clears its own timers a moment later.
    await until('no timer is left', () => vi.getTimerCount() === 0);
  });

  test('F24: one whose headers come byte by byte gets no more time', async () => {
    const raw = await startRaw();
    const error = failureOf(post(raw.url));
    const socket = await raw.connected;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
    for (let second = 0; second < 15; second += 3) {
      socket.write('a');
      vi.advanceTimersByTime(3_000);
    }
    expect(await error).toMatchObject({ code: 'TIMEOUT' });
    await closed;
  });

  test.each([200, 500])(
    'F24: after a %i a body that comes byte by byte is cut when the time is up, and the status counts',
    async (status) => {
      const target = await startTarget((_request, response) => void response.writeHead(status).write('.'));
      const answer = post(target.url);
      const [, response] = (await once(target.server, 'request')) as [unknown, ServerResponse];
      await chunkReceived();
      for (let second = 0; second < 15; second += 5) {
        const byte = chunkReceived();
        response.write('.');
        await byte;
        vi.advanceTimersByTime(5_000);
      }
      expect(await answer).toMatchObject({ status });
      await firstConnectionEnded(target);
    },
  );

  test('F24: a name server that never answers is left after 15 s', async () => {
    const asked = Promise.withResolvers<void>();
    const send = createPost({ allowPrivate: false, lookup: () => asked.resolve() });
    const error = failureOf(send(request('http://slow.test/'), new AbortController().signal));
    await asked.promise;
    vi.advanceTimersByTime(15_000);
    expect(await error).toMatchObject({ code: 'TIMEOUT' });
  });

  test('an attempt that is cut off ends at once, with its own reason', async () => {
    const target = await startTarget(() => {});
    const attempt = new AbortController();
    const error = failureOf(post(target.url, attempt.signal));
    await once(target.server, 'request');
    const reason = new Error('shutting down');
    attempt.abort(reason);
    expect(await error).toBe(reason);
    await firstConnectionEnded(target);
  });
});

test('F24: a body without end is cut after 64 KiB', async () => {
  let written = 0;
  const target = await startTarget((_request, response) => {
    const chunk = Buffer.alloc(64 * 1024);
    const pour = (): void => {
      while (!response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on('drain', pour);
    pour();
  });
  const { status, bytes } = await post(target.url);
  expect([status, bytes.length]).toEqual([200, 64 * 1024]);
  await firstConnectionEnded(target);
  // What the kernel's buffers took of it.
  expect(written).toBeLessThan(32 * 1024 * 1024);
});

test('F24: a redirect to the metadata of the cloud is followed by no second request', async () => {
  const used = fenceConnections();
  const receiver = await startReceiver((_request, response) => {
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
  });
  const { taskId, id } = await delivery(receiver.url);
  const runner = await startDelivering(pool, { backoffMs: 60_000 });
  await until('it backs off', async () => (await deliveriesOf(pool, taskId))[0]?.state === 'retrying');
  expect((await listAttempts(pool, id))[0]?.error).toMatchObject({
    error_code: 'UNEXPECTED_STATUS',
    message: expect.stringContaining('answered 302, expected 200 to 299; redirects are not followed'),
  });
  await runner.stop();
  expect(used).toEqual(['127.0.0.1']);
  expect(receiver.requests).toHaveLength(1);
});

/** A name server that gives each of these answers once, then the last one for ever. */
function nameServer(...answers: string[]): Lookup {
  let asked = 0;
  return (_hostname, _options, callback) => {
    const address = answers[Math.min(asked, answers.length - 1)] ?? '';
    asked++;
    setImmediate(() => callback(null, [{ address, family: 4 }]));
  };
}

test('F24: a name that leads elsewhere when it is asked for again is refused, for good', async () => {
  const used = fenceConnections();
  const target = await startTarget((_request, response) => void response.end());
  const found = await delivery(`http://rebind.test:${target.port}/hook`);
  await startDelivering(pool, { allowPrivate: false, lookup: nameServer('8.8.8.8', '127.0.0.1') });
  expect(await failed(found)).toMatchObject({ attempt: 2, error: { error_code: 'PRIVATE_TARGET' } });
  // The address that was checked is the one that the socket got.
  expect(used).toEqual(['8.8.8.8']);
  expect(target.sockets).toEqual([]);
});

test.each(['http://169.254.169.254/latest', 'https://[::1]/', 'http://localhost:1/', 'http://10.0.0.1/'])(
  'F24: %s is refused where it would be called, for good',
  async (url) => {
    const used = fenceConnections();
    const found = await delivery(url);
    await startDelivering(pool, { allowPrivate: false });
    expect(await failed(found)).toMatchObject({
      attempt: 1,
      error: { error_code: 'PRIVATE_TARGET', retryable: false },
    });
    expect(used).toEqual([]);
  },
);

test('F24: an endpoint that is gone (410) is disabled: that delivery and the next ones fail at once', async () => {
  const receiver = await startReceiver(answering(410));
  const other = await startReceiver();
  const first = await delivery(receiver.url);
  await startDelivering(pool);
  expect(await failed(first)).toMatchObject({
    attempt: 1,
    error: { error_code: 'ENDPOINT_GONE', retryable: false, metadata: { status: 410 } },
  });
  const { rows } = await pool.query('select namespace, url, task_id from errand.disabled_callbacks');
  expect(rows).toEqual([{ namespace: 'example', url: receiver.url, task_id: first.taskId }]);
  expect(await failed(await delivery(receiver.url))).toMatchObject({
    attempt: 1,
    error: { error_code: 'ENDPOINT_DISABLED', retryable: false },
  });
  expect(receiver.requests).toHaveLength(1);
  // Of another URL, and of another namespace, nobody has said so.
  const { taskId } = await delivery(other.url);
  expect(await deliveriesDone(pool, taskId, 1)).toMatchObject([{ state: 'succeeded' }]);
  const text = await submitOne(pool, { name: 'text.count_words', payload: {}, callbackUrl: receiver.url });
  await cancelTask(pool, text.id);
  await deliveriesDone(pool, text.id, 1);
  expect(receiver.requests).toHaveLength(2);
});
