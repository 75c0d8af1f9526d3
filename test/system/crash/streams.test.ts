import { expect, test } from 'vitest';
import { addLines, seqs, setState, taskWithLines, upTo } from '../../fast/api/streams/streaming.ts';
import { createDatabase } from '../../support/database.ts';
import { type EventSource, openEvents } from '../../support/network/event_source.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { startOwnPostgres } from '../../support/postgres.ts';
import { startProcess } from '../../support/processes.ts';

const API = 'api/main.ts';

test('F23: an API process is killed under its streams, and readers go on at another one without a gap', async () => {
  const { pool, url } = await createDatabase();
  const [first, second] = await Promise.all([startProcess(API, url), startProcess(API, url)]);
  const id = await taskWithLines(pool, 0, { state: 'running' });
  const open = (base: string, last: number): Promise<EventSource> =>
    openEvents(`${base}/v1/tasks/${id}/logs`, { 'last-event-id': String(last) });
  const readers = await Promise.all(Array.from({ length: 20 }, () => open(first.url, 0)));
  await addLines(pool, id, 1, 50);
  await Promise.all(readers.slice(0, 10).map((one) => one.received(50)));
  await addLines(pool, id, 51, 60);
  first.child.kill('SIGKILL');
  expect(await Promise.all(readers.map((one) => one.closed))).toEqual(readers.map(() => false));
  await addLines(pool, id, 61, 70);
  const again = await Promise.all(readers.map((one) => open(second.url, seqs(one).at(-1) ?? 0)));
  await addLines(pool, id, 71, 80);
  await setState(pool, id, 'succeeded');
  expect(await Promise.all(again.map((one) => one.closed))).toEqual(again.map(() => true));
  for (const [index, one] of readers.entries()) {
    expect([...seqs(one), ...seqs(again[index] as EventSource)]).toEqual(upTo(80));
  }
});

test('on SIGTERM streams end in order and WebSockets are closed with 1001', async () => {
  const { pool, url } = await createDatabase();
  const api = await startProcess(API, url);
  const id = await taskWithLines(pool, 3, { state: 'running' });
  const source = await openEvents(`${api.url}/v1/tasks/${id}/logs`);
  const client = await openSocket(api.url);
  await client.ask({ type: 'subscribe', task: id });
  await source.received(3);
  api.child.kill('SIGTERM');
  expect(await source.closed).toBe(true);
  expect((await client.closed)[0]).toBe(1001);
  expect(await api.exited).toBe(0);
});

test('streams outlive a crash of Postgres: they hear again, and of what they missed', async () => {
  const postgres = await startOwnPostgres();
  const api = await startProcess(API, postgres.url, { BREAKER_OPEN_SECS: '0.5' });
  const id = await taskWithLines(postgres.pool, 2, { state: 'running' });
  const source = await openEvents(`${api.url}/v1/tasks/${id}/logs`);
  const client = await openSocket(api.url);
  await client.ask({ type: 'subscribe', task: id });
  await source.received(2);
  await postgres.crash();
  await postgres.start();
  await addLines(postgres.pool, id, 3, 5);
  await source.received(5);
  // Whoever is only told of changes can't know what was missed, and hears so.
  await expect
    .poll(() => client.messages.some(({ type }) => type === 'missed'), { timeout: 60_000 })
    .toBe(true);
  await setState(postgres.pool, id, 'succeeded');
  expect(await client.changes(1)).toMatchObject([{ id, state: 'succeeded' }]);
  expect(await source.closed).toBe(true);
  expect(seqs(source)).toEqual(upTo(5));
});
