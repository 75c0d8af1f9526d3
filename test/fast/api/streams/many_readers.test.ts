import { expect, test } from 'vitest';
import { STREAM_TIMING } from '../../../../api/streams/feed/event_stream.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { type Statement, startOwnApi, watched } from '../app.ts';
import { addLines, reader, seqs, setState, taskWithLines, upTo } from './streaming.ts';

const { pool } = await createDatabase();

/** Connections that listen for changes. */
async function listening(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and (query ilike 'listen %' or query ilike '%errand.watch%')`,
  );
  return rows[0]?.count ?? 0;
}

test('F22: a thousand readers share one connection and one read, those that never read are cut, the others are whole', async () => {
  const reads: Statement[] = [];
  const counted = watched(pool, (statement) => statement.name === 'read_lines' && reads.push(statement));
  const api = await startOwnApi(counted, { streamTiming: { ...STREAM_TIMING, stalledMs: 10_000 } });
  const quiet = await taskWithLines(pool, 0, { state: 'running' });
  // More than all buffers between two sockets hold.
  const loud = await taskWithLines(pool, 1_500, { state: 'running', length: 10_000 });
  const url = (id: string): string => `${api.url}/v1/tasks/${id}/logs`;
  const readers = [];
  for (let round = 0; round < 10; round++) {
    readers.push(...(await Promise.all(Array.from({ length: 98 }, () => reader(url(quiet))))));
  }
  const before = process.memoryUsage().rss;
  await Promise.all(Array.from({ length: 15 }, () => reader(url(loud), {}, true)));
  const brisk = await Promise.all(Array.from({ length: 2 }, () => reader(url(loud))));
  for (const one of brisk) await one.received(1_500);
  expect(await listening()).toBe(1);

  reads.length = 0;
  await addLines(pool, quiet, 1, 1);
  for (const one of readers) await one.received(1);
  // Not one for each of 980 readers: those that hear of the line read it once, and some a moment later once more.
  expect(reads.length).toBeLessThan(100);

  const gauge = /errand_http_streams\{kind="event_stream"\} (\d+)/;
  await until('the stalled ones are cut', async () => {
    const { text } = await api.call('GET', '/metrics');
    return Number(gauge.exec(text)?.[1]) === readers.length + brisk.length;
  });
  // That took ten seconds, in which all looked for themselves, too: together.
  expect(reads.length).toBeLessThan(100);
  // Of both ends, as readers are in this process, too: what is held for one is a chunk, not its 15 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);

  await addLines(pool, quiet, 2, 20);
  await Promise.all([setState(pool, quiet, 'succeeded'), setState(pool, loud, 'succeeded')]);
  for (const one of [...readers, ...brisk]) expect(await one.closed).toBe(true);
  for (const one of readers) expect(seqs(one)).toEqual(upTo(20));
  for (const one of brisk) expect(seqs(one)).toEqual(upTo(1_500));
});

test('F22: a WebSocket that never reads is cut, the others hear of everything', async () => {
  const api = await startOwnApi(pool);
  // A namespace that has no task can't be subscribed to.
  await submitOne(pool, { name: 'loud.first', payload: {} });
  const [stalled, ...others] = await Promise.all(Array.from({ length: 4 }, () => openSocket(api.url)));
  for (const one of [stalled, ...others]) await one?.ask({ type: 'subscribe', namespace: 'loud' });
  stalled?.socket.pause();
  let isCut = false;
  void stalled?.closed.then(() => {
    isCut = true;
  });
  const name = `loud.${'x'.repeat(120)}`;
  const { rows } = await pool.query<{ id: string }>(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select $1, '1', 'queued', 0, 1, now(), '{}' from generate_series(1, 4000) returning id`,
    [name],
  );
  let rounds = 1;
  await until('the one that does not read is cut', async () => {
    await pool.query('update errand.tasks set progress = $2 where name = $1', [name, rounds++ / 1_000]);
    const { text } = await api.call('GET', '/metrics');
    return text.includes(`errand_http_streams{kind="websocket"} ${others.length}\n`);
  });
  // What changes twice before it is read is told once, so how many hear of depends on how fast they are; the last they all hear of.
  const last = (rounds - 1) / 1_000;
  const isSent = (told: Awaited<ReturnType<typeof openSocket>>): boolean =>
    new Set(told.messages.filter(({ progress }) => progress === last).map(({ id }) => id)).size ===
    rows.length;
  for (const one of others) await until('all tasks were told as they are', () => isSent(one));
  stalled?.socket.resume();
  await until('it notices', () => isCut);
});
