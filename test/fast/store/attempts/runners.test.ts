import { expect, test } from 'vitest';
import { heartbeat } from '../../../../store/attempts/lease.ts';
import { endRunner, listRunners, registerRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

function register(host: string): Promise<number> {
  return registerRunner(pool, {
    host,
    pid: 4_711,
    version: '1.2.3',
    taskNames: ['a.one', 'b.two'],
    taskVersions: { 'a.one': '1.0.0', 'b.two': '2.1.0' },
    concurrency: 7,
    leaseSecs: 2.5,
  });
}

test('the live runners are listed, newest first, with what they said and what they do', async () => {
  const first = await register('one');
  const second = await register('two');
  await heartbeat(pool, first, 3);
  const [newest, oldest, ...others] = await listRunners(pool);
  expect(others).toEqual([]);
  expect(newest?.id).toBe(second);
  expect(oldest).toEqual({
    id: first,
    host: 'one',
    pid: 4_711,
    version: '1.2.3',
    started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    heartbeat_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    overdue: false,
    in_flight: 3,
    concurrency: 7,
    lease_secs: 2.5,
    task_names: ['a.one', 'b.two'],
    task_versions: { 'a.one': '1.0.0', 'b.two': '2.1.0' },
    serves: null,
    ended_at: null,
    end_reason: null,
  });
  expect(Date.parse(oldest?.heartbeat_at ?? '')).toBeGreaterThan(Date.parse(oldest?.started_at ?? ''));
  await endRunner(pool, second);
  await endRunner(pool, first);
});

test('those that have ended are listed on demand, with when and why', async () => {
  const gone = await register('gone');
  const lost = await register('lost');
  const here = await register('here');
  await endRunner(pool, gone);
  await pool.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [lost]);
  expect((await listRunners(pool)).map(({ id }) => id)).toEqual([here]);
  expect((await listRunners(pool, { ended: false })).map(({ id }) => id)).toEqual([here]);
  const all = await listRunners(pool, { ended: true });
  expect(all.slice(0, 3)).toMatchObject([
    { id: here, ended_at: null, end_reason: null },
    { id: lost, ended_at: expect.any(String), end_reason: 'lost', overdue: false },
    { id: gone, ended_at: expect.any(String), end_reason: 'stopped', overdue: false },
  ]);
  await endRunner(pool, here);
});

test('one whose lease has run out and that nobody has taken over yet is overdue', async () => {
  const dead = await register('dead');
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '3 seconds' where id = $1`, [
    dead,
  ]);
  expect(await listRunners(pool)).toMatchObject([{ id: dead, overdue: true }]);
  await endRunner(pool, dead);
  expect((await listRunners(pool, { ended: true }))[0]).toMatchObject({ id: dead, overdue: false });
});
