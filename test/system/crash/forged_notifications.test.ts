import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, expect, test } from 'vitest';
import { startApi } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { openSocket } from '../../support/network/web_socket.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, submitOne } from '../../support/tasks.ts';

// A role that was granted nothing may still notify. What it says changes nothing, and nobody is told anything untrue.

const { pool, url } = await createDatabase();
const api = await startApi(pool);
const role = `stranger_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
await pool.query(`create role ${role} login password 'secret'`);
const login = new URL(url);
login.username = role;
login.password = 'secret';
const stranger = new Client({ connectionString: login.href });
await stranger.connect();
afterAll(async () => {
  await stranger.end();
  await pool.query(`drop role ${role}`);
});

const forge = (channel: string, payload: unknown) =>
  stranger.query('select pg_notify($1, $2)', [
    channel,
    typeof payload === 'string' ? payload : JSON.stringify(payload),
  ]);
const CHANNELS = [
  'errand_tasks',
  'errand_lines',
  'errand_cancel',
  'errand_pause',
  'errand_handed_on',
  'errand_schedule',
  'jobs:insert',
  'worker:migrate',
];
const GARBAGE = [
  '',
  'x',
  '{',
  'null',
  '[[]]',
  '[null]',
  '[["a","b"]]',
  '{"count": "x"}',
  '[1e999]',
  '"\\u0000"',
];

test('a WebSocket is told what the ledger has, whatever a notification says', async () => {
  const task = await submitOne(pool, { name: 'example.echo', payload: { message: 'x' } });
  const other = await submitOne(pool, { name: 'secret.other', payload: {} });
  const client = await openSocket(api.url);
  await client.ask({ type: 'subscribe', task: task.id });
  await client.ask({ type: 'subscribe', namespace: 'example' });
  await forge('errand_tasks', [
    [task.id, 'example.echo', 'failed', 9, 0.5, null],
    [randomUUID(), 'example.echo', 'succeeded', 1, null, null],
    [other.id, 'example.echo', 'failed', 1, null, task.id],
  ]);
  for (const payload of GARBAGE) await forge('errand_tasks', payload);
  await pool.query(`update errand.tasks set progress = 0.25 where id = $1`, [task.id]);
  const last = {
    type: 'task',
    id: task.id,
    name: 'example.echo',
    state: 'queued',
    attempt: 1,
    parent_id: null,
  };
  const told = await client.changes(1);
  await client.ask({ type: 'subscribe', name: 'one.more' });
  for (const change of [...told, ...client.messages.filter(({ type }) => type === 'task')]) {
    expect(change).toEqual({ ...last, progress: change.progress });
    expect([null, 0.25]).toContain(change.progress);
  }
});

test('a runner works on, and nothing is cancelled, paused or shut down', async () => {
  await startTestRunner(pool);
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: { ms: 1_500 } });
  for (const channel of CHANNELS) {
    for (const payload of [
      ...GARBAGE,
      id,
      `["${id}"]`,
      'example',
      '{"migrationNumber": 999, "breaking": true}',
    ])
      await forge(channel, payload);
  }
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  const next = await submitOne(pool, { name: 'example.echo', payload: { message: 'x' } });
  expect(await finished(pool, next.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  const { rows } = await pool.query('select end_reason from errand.runners where ended_at is not null');
  expect([rows, process.exitCode]).toEqual([[], undefined]);
});
