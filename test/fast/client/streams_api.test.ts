import { expect, test } from 'vitest';
import { type Client, createClient, TaskFailedError } from '../../../client/index.ts';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { startOwnApi } from '../api/app.ts';
import { addLines, scripted, setState, taskWithLines, upTo } from '../api/streams/streaming.ts';
import { QUICK } from './clients.ts';
import { type Route, startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

const isStream = (path: string): boolean => /\/(logs|events)(\?|$)/.test(path);
const streams = ({ seen }: Route) => seen.filter(({ headers }) => headers.accept === 'text/event-stream');

function clientOf(url: string, firstByteMs = 30_000): Client {
  return createClient({ baseUrl: url, retry: { ...QUICK, retries: 20 }, streams: { firstByteMs } });
}

async function followed(client: Client, id: string, found: number[] = []): Promise<number[]> {
  for await (const { seq } of client.logs(id, { follow: true })) found.push(seq);
  return found;
}

test('lines of a task that runs come once each, however often the connection breaks', async () => {
  const proxy = await startProxy(api.url);
  // Wherever that is: in the middle of a line, of an event, or before the first.
  let cuts = 0;
  proxy.decide = ({ path }) => (isStream(path) && cuts < 6 ? { cutAfterBytes: 150 + 777 * cuts++ } : 'pass');
  const id = await taskWithLines(pool, 20, { state: 'running' });
  const found: number[] = [];
  const all = followed(clientOf(proxy.url), id, found);
  for (const from of [21, 41, 61, 81]) {
    await until(`there are ${from - 1}`, () => found.length === from - 1);
    await addLines(pool, id, from, from + 19);
  }
  await until('all have come', () => found.length === 100);
  await setState(pool, id, 'succeeded');
  expect(await all).toEqual(upTo(100));
  expect(cuts).toBe(6);
});

test('an API that is stopped and started again while lines are followed loses and repeats none', async () => {
  const first = await startOwnApi(pool);
  const proxy = await startProxy(first.url);
  const id = await taskWithLines(pool, 50, { state: 'running' });
  const found: number[] = [];
  const all = followed(clientOf(proxy.url), id, found);
  await until('half has come', () => found.length === 50);
  first.stopping.abort();
  first.server.close();
  first.server.closeAllConnections();
  await addLines(pool, id, 51, 100);
  await setState(pool, id, 'succeeded');
  proxy.target = (await startOwnApi(pool)).url;
  expect(await all).toEqual(upTo(100));
  expect(streams(proxy).at(-1)?.headers['last-event-id']).toBe('50');
});

test('behind a proxy that holds streams back lines are read in pages, and a wait asks for the record', async () => {
  const proxy = await startProxy(api.url);
  proxy.decide = ({ headers }) => (headers.accept === 'text/event-stream' ? 'hold-back' : 'pass');
  const id = await taskWithLines(pool, 1_500, { state: 'running' });
  const client = clientOf(proxy.url, 300);
  const found: number[] = [];
  const all = followed(client, id, found);
  await until('those that are there have come', () => found.length === 1_500);
  const waiting = client.wait(id);
  await addLines(pool, id, 1_501, 1_510);
  await setState(pool, id, 'succeeded');
  expect(await all).toEqual(upTo(1_510));
  expect(await waiting).toMatchObject({ state: 'succeeded' });
});

test('many wait for tasks that run, over connections that break, and hear of each end', async () => {
  const proxy = await startProxy(api.url);
  let broken = 0;
  proxy.decide = ({ path }) => (isStream(path) && broken++ % 2 === 0 ? { cutAfterBytes: 200 } : 'pass');
  const client = clientOf(proxy.url);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let number = 0;
  const handler = async () => {
    const own = number++;
    await gate;
    if (own % 5 === 0) throw Object.assign(new Error('every fifth fails'), { name: 'PermanentError' });
    return own;
  };
  await startTestRunner(pool, {
    registeredHandlers: new Map([scripted('t.many', handler)]),
    concurrency: 20,
  });
  const ids = await Promise.all(
    Array.from(
      { length: 20 },
      async () => (await submitOne(pool, { name: 't.many', payload: {}, maxAttempts: 1 })).id,
    ),
  );
  const ends = Promise.all(ids.map((id) => client.wait(id).catch((error: unknown) => error)));
  await until('all of them follow', () => streams(proxy).length >= 20);
  open();
  const failed = (await ends).filter((end) => end instanceof TaskFailedError);
  expect(failed).toHaveLength(4);
  expect(
    (await ends).filter((end) => typeof end === 'object' && end !== null && 'result' in end),
  ).toHaveLength(16);
});

test('events tell what a task is at until it has ended', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const handler = scripted('t.steps', async (_payload, context) => {
    context.progress(0.5, 'half of it');
    await gate;
  });
  const { id } = await submitOne(pool, { name: 't.steps', payload: {} });
  const told: (string | number | null)[][] = [];
  const client = clientOf(api.url);
  const all = (async () => {
    for await (const { state, progress, progressNote } of client.events(id)) {
      told.push([state, progress, progressNote]);
      if (progress === 0.5) open();
    }
  })();
  await until('it is queued', () => told.length === 1);
  await startTestRunner(pool, { registeredHandlers: new Map([handler]) });
  await all;
  expect(told[0]).toEqual(['queued', null, null]);
  expect(told).toContainEqual(['running', 0.5, 'half of it']);
  expect(told.at(-1)?.[0]).toBe('succeeded');
});
