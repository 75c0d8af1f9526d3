import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { openReaders } from '../../../bench/streams/readers.ts';
import { goalsOf, measureStreams } from '../../../bench/streams/section.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

test('every stream gets the end of every task, and what arrives is counted', async () => {
  const states: unknown[] = [];
  const { server, made, dropped } = watchedServer(await benchServerOfTests(), async (pool) => {
    const { rows } = await pool.query('select state, count(*) from errand.tasks group by state');
    states.push(...rows);
  });
  const told: string[] = [];
  const options = { tasks: 40, readers: 3, rounds: 2 };
  const { goals = [], data } = await measureStreams(server, options, (line) => told.push(line));
  // The round that warms up too.
  expect(states).toEqual([{ state: 'succeeded', count: 120 }]);
  const { delivered } = data as { delivered: { messages: number }[] };
  expect(delivered.map(({ messages }) => messages >= 120)).toEqual([true, true]);
  expect(goals.map(({ what, goal }) => [what, goal])).toEqual([
    ['changes delivered to 3 streams', { atLeast: 10_000 }],
    ['tasks submitted, executed and followed', null],
  ]);
  expect(told).toEqual([
    'warming up: changes of tasks to streams, round 1 of 1',
    ...[1, 2].map((round) => `changes of tasks to streams, round ${round} of 2`),
  ]);
  expect(dropped).toEqual(made());
});

test('the figure is what arrived at all streams in a second', () => {
  const [events, tasks] = goalsOf([{ messages: 60_000, seconds: 3 }], { tasks: 1_500, readers: 20 });
  expect([events?.ours, tasks?.ours]).toEqual([[20_000], [500]]);
});

test('a stream that is told that changes are missing fails the measurement', async () => {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  onTestFinished(() => void http.close());
  sockets.on('connection', (socket) => {
    socket.on('message', () => socket.send('{"type":"subscribed","name":"a.b"}'));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const readers = await openReaders(base, 1, 'a.b');
  for (const socket of sockets.clients) socket.send('{"type":"missed"}');
  await expect(readers.untilEnded(1)).rejects.toThrow('a stream got {"type":"missed"}');
  await readers.close();
});
