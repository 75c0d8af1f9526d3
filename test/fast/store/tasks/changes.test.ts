import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import {
  changesIn,
  type HeardChange,
  idsIn,
  keepWatched,
  readChanges,
} from '../../../../store/tasks/changes.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit, submitOne } from '../../../support/tasks.ts';

const { pool, url } = await createDatabase();
const NOWHERE = '01a00000-0000-7000-8000-000000000000';

type Heard = { channel: string; payload: string };

/** Listens on a connection of its own; `flush` gives what has been heard by then. */
async function listen(): Promise<() => Promise<Heard[]>> {
  const client = new Client({ connectionString: url });
  onTestFinished(() => client.end());
  await client.connect();
  const heard: Heard[] = [];
  client.on('notification', ({ channel, payload = '' }) => heard.push({ channel, payload }));
  await client.query('listen errand_tasks; listen errand_lines');
  return async () => {
    // What was committed before a statement is sent has come with its answer.
    await client.query('select 1');
    return heard.splice(0);
  };
}

const unwatched = () => pool.query(`update errand.watch set watched_until = '-infinity'`);

const addLine = (id: string) =>
  pool.query(
    `insert into errand.logs (task_id, seq, attempt, level, message, at)
     select $1, coalesce(max(seq), 0) + 1, 1, 'info', 'x', now() from errand.logs where task_id = $1`,
    [id],
  );

test('while nobody watches nothing is announced', async () => {
  const flush = await listen();
  await unwatched();
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: {} });
  await addLine(id);
  expect(await flush()).toEqual([]);
  await keepWatched(pool, 30);
  await addLine(id);
  expect(await flush()).toEqual([{ channel: 'errand_lines', payload: `["${id}"]` }]);
});

test('what is submitted and what is changed is announced, by whichever statement, once it is committed', async () => {
  await keepWatched(pool, 30);
  const flush = await listen();
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: {} });
  const change = { id, name: 'example.sleep', parentId: null };
  expect((await flush()).flatMap(({ payload }) => changesIn(payload))).toEqual([change]);
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`update errand.tasks set state = 'running', progress = 0.25 where id = $1`, [id]);
    expect(await flush()).toEqual([]);
    await client.query('rollback');
    expect(await flush()).toEqual([]);
    await client.query(`update errand.tasks set state = 'running', progress = 0.25 where id = $1`, [id]);
  } finally {
    client.release();
  }
  expect((await flush()).flatMap(({ payload }) => changesIn(payload))).toEqual([change]);
  expect(await readChanges(pool, [id, NOWHERE])).toEqual([
    { ...change, state: 'running', attempt: 1, progress: 0.25 },
  ]);
});

test('of thousands at once each is announced, and no notification is too long for Postgres', async () => {
  await keepWatched(pool, 30);
  const flush = await listen();
  const name = `n.${'x'.repeat(126)}`;
  const tasks = await submit(
    pool,
    ...Array.from({ length: 3_000 }, () => ({ name, payload: {}, parentId: null })),
  );
  const heard = (await flush()).flatMap(({ payload }) => changesIn(payload));
  expect(new Set(heard.map(({ id }: HeardChange) => id))).toEqual(new Set(tasks.map(({ id }) => id)));
  await pool.query(
    `insert into errand.logs (task_id, seq, attempt, level, message, at)
     select id, 1, 1, 'info', 'x', now() from errand.tasks where name = $1`,
    [name],
  );
  const lines = (await flush()).flatMap(({ payload }) => idsIn(payload));
  expect(new Set(lines)).toEqual(new Set(tasks.map(({ id }) => id)));
});

test('what anybody else sends on the channels is nothing', () => {
  for (const payload of [
    '',
    'x',
    '{}',
    '[1]',
    '[["a"]]',
    '[["id","name","no such state",1,null,null]]',
    'null',
  ]) {
    expect(changesIn(payload)).toEqual([]);
    if (payload !== '') expect(idsIn(payload)).toEqual([]);
  }
});

test('who watches longest decides until when', async () => {
  await unwatched();
  await keepWatched(pool, 60);
  await keepWatched(pool, 5);
  const { rows } = await pool.query(
    `select watched_until > now() + interval '50 seconds' as is_long from errand.watch`,
  );
  expect(rows).toEqual([{ is_long: true }]);
});
