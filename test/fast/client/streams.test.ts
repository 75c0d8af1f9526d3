import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { LogLine } from '../../../client/index.ts';
import { until } from '../../support/until.ts';
import { answer, begin, END, type Script, scripted } from './scripted.ts';

const ID = '01a1fda3-8ecb-7e32-bbab-5d3baba36f01';

const line = (seq: number) => ({
  seq,
  attempt: 1,
  level: 'info',
  message: `m${seq}`,
  fields: { a_b: 1 },
  at: 'now',
});
const lineEvent = (seq: number): string => `id: ${seq}\nevent: line\ndata: ${JSON.stringify(line(seq))}\n\n`;

async function seqs(lines: AsyncIterable<LogLine>): Promise<number[]> {
  const found: number[] = [];
  for await (const { seq } of lines) found.push(seq);
  return found;
}

test('lines come once each and in order over connections that end, break in a line, or repeat', async () => {
  const { client, told } = await scripted((response, _request, nth) => {
    begin(response);
    if (nth === 1) response.end(lineEvent(1) + lineEvent(2));
    if (nth === 2) {
      response.write(`${lineEvent(3)}id: 4\nevent: line\ndata: {"seq":4,"mess`);
      setTimeout(() => response.destroy(), 20);
    }
    if (nth === 3) response.end(lineEvent(2) + lineEvent(3) + lineEvent(4));
    if (nth === 4) response.end(lineEvent(5) + END);
  });
  const lines: LogLine[] = [];
  for await (const one of client.logs(ID, { follow: true })) lines.push(one);
  expect(lines).toEqual([1, 2, 3, 4, 5].map(line));
  expect(told.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '2', '3', '4']);
  expect(told[0]).toMatchObject({ path: `/v1/tasks/${ID}/logs`, accept: 'text/event-stream' });
});

test('characters that arrive in pieces are put together', async () => {
  const { client } = await scripted(async (response) => {
    begin(response);
    const bytes = Buffer.from(lineEvent(1).replace('m1', 'naïve 🐋') + END);
    for (const byte of bytes) {
      response.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  const { value } = await client.logs(ID, { follow: true }).next();
  expect(value).toMatchObject({ message: 'naïve 🐋' });
});

test('one may begin after a line, and stop when enough has come', async () => {
  const { client, told, connections } = await scripted((response) => {
    begin(response);
    response.write(lineEvent(8) + lineEvent(9));
  });
  for await (const { seq } of client.logs(ID, { follow: true, after: 7 })) if (seq === 9) break;
  expect(told.map(({ lastEventId }) => lastEventId)).toEqual(['7']);
  await until('the connection is closed', () => connections() === 0);
});

test('a stream that falls silent is opened again, and heartbeats are no silence', async () => {
  const script: Script = (response, _request, nth) => {
    begin(response);
    if (nth > 1) {
      response.end(lineEvent(3) + END);
      return;
    }
    response.write(lineEvent(1));
    const beats = setInterval(() => response.write(': heartbeat\n\n'), 100);
    setTimeout(() => {
      response.write(lineEvent(2));
      // From here on nothing comes, and nothing closes.
      clearInterval(beats);
    }, 1_500);
  };
  const { client, told } = await scripted(script, { silenceMs: 1_000 });
  expect(await seqs(client.logs(ID, { follow: true }))).toEqual([1, 2, 3]);
  expect(told.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '2']);
});

const PAGES = [
  { items: [line(1), line(2)], next_after: 2, has_more: true, state: 'running' },
  { items: [line(3)], next_after: 3, has_more: false, state: 'running' },
  { items: [line(4)], next_after: 4, has_more: false, state: 'succeeded' },
];

/** Streams as the script has them; lines in pages. */
const withPages =
  (stream: (response: ServerResponse) => void): Script =>
  (response, request) => {
    if (request.headers.accept === 'text/event-stream') return stream(response);
    const after = Number(new URL(request.url ?? '', 'http://x').searchParams.get('after'));
    answer(
      response,
      PAGES.find(({ items }) => (items.at(-1)?.seq ?? 0) > after && (items[0]?.seq ?? 0) <= after + 1),
    );
  };

test.each<[string, (response: ServerResponse) => void]>([
  ['there are none', (response) => answer(response, {}, 404)],
  ['they are not acceptable', (response) => answer(response, {}, 406)],
  ['something else answers', (response) => answer(response, { items: [] })],
  [
    'a proxy holds them back',
    (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  ],
  ['a proxy closes them at once', (response) => begin(response).end()],
])('where %s, lines are asked for again and again', async (why, stream) => {
  const waitBudget = why === 'a proxy holds them back' ? { firstByteMs: 300 } : {};
  const { client, told } = await scripted(withPages(stream), waitBudget);
  expect(await seqs(client.logs(ID, { follow: true }))).toEqual([1, 2, 3, 4]);
  expect(told.at(-1)?.path).toBe(`/v1/tasks/${ID}/logs?after=3&page_size=1000`);
  const streams = () => told.filter(({ accept }) => accept === 'text/event-stream').length;
  const before = streams();
  expect(before).toBeLessThanOrEqual(3);
  // What is so for all streams is remembered; a 404 may be of this one alone.
  expect(await seqs(client.logs(ID, { follow: true, after: 3 }))).toEqual([4]);
  expect(streams() - before).toBe(why === 'there are none' ? 1 : 0);
});

test('what came by a stream does not come again by pages', async () => {
  const { client } = await scripted((response, request, nth) => {
    if (nth === 1) {
      begin(response);
      response.end(lineEvent(1) + lineEvent(2) + lineEvent(3));
    } else withPages((refused) => answer(refused, {}, 406))(response, request, nth);
  });
  expect(await seqs(client.logs(ID, { follow: true }))).toEqual([1, 2, 3, 4]);
});

test('without following, lines are those that are there', async () => {
  const { client, told } = await scripted(withPages(() => {}));
  expect(await seqs(client.logs(ID))).toEqual([1, 2, 3]);
  expect(told.map(({ accept }) => accept)).toEqual(['application/json', 'application/json']);
});

test('a stream that is aborted while nothing comes ends at once, with its connection', async () => {
  const { client, told, connections } = await scripted((response) => begin(response));
  const stop = new AbortController();
  const next = client
    .logs(ID, { follow: true, signal: stop.signal })
    .next()
    .catch((error: unknown) => error);
  await until('it is open', () => told.length === 1);
  const reason = new Error('enough');
  stop.abort(reason);
  expect(await next).toBe(reason);
  await until('the connection is closed', () => connections() === 0);
});
