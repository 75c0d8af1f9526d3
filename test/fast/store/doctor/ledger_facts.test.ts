import { expect, test } from 'vitest';
import { judgeNames, judgeRunners } from '../../../../doctor/pool.ts';
import { judgeQueue } from '../../../../doctor/queue.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { readOpenTasks, readPoolFacts } from '../../../../store/doctor/pool_facts.ts';
import { readQueueFacts } from '../../../../store/doctor/queue_facts.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit, submitOne } from '../../../support/tasks.ts';

const KEPT = { finished: 24, failed: 336 };

/** A database with a definition of each of these names. */
async function withNames(...names: string[]) {
  const { pool } = await createDatabase();
  await pool.query(
    `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
     select name, split_part(name, '.', 1), '1.0.0', '', '{}', '{}' from unnest($1::text[]) as given (name)`,
    [names],
  );
  return pool;
}

const runner = (versions: Record<string, string>, more: { version?: string; parentId?: number } = {}) => ({
  host: 'host-a',
  pid: 1,
  version: '0.2.0',
  taskNames: Object.keys(versions),
  taskVersions: versions,
  concurrency: 10,
  leaseSecs: 15,
  ...more,
});

test('live, overdue, blocked and lost runners, and those of another version, are told apart', async () => {
  const pool = await withNames();
  const live = await registerRunner(pool, runner({ 'a.one': '1.0.0' }));
  const old = await registerRunner(pool, runner({ 'a.one': '2.0.0' }, { version: '0.1.0' }));
  const overdue = await registerRunner(pool, runner({}));
  const lost = await registerRunner(pool, runner({}));
  await registerRunner(pool, runner({}, { parentId: live }));
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '10 minutes' where id = $1`, [
    overdue,
  ]);
  await pool.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [lost]);
  await pool.query(`update errand.runners set blocked_since = now() - interval '1 minute' where id = $1`, [
    live,
  ]);
  const findings = judgeRunners(await readPoolFacts(pool), '0.2.0');
  expect(findings.map(({ code, severity, subject }) => [code, severity, subject])).toEqual([
    ['runners', 'ok', null],
    ['runner_overdue', 'warning', String(overdue)],
    ['runner_blocked', 'warning', String(live)],
    ['runner_lost', 'warning', 'host-a'],
    ['old_process', 'warning', String(old)],
    ['definitions_differ', 'warning', null],
    ['api_processes', 'ok', null],
  ]);
  expect(findings.map(({ message }) => message).join('\n')).toContain('a.one (1.0.0, 2.0.0)');
});

test('names and versions that no live runner has are found with their number and age', async () => {
  const pool = await withNames('a.there', 'a.gone', 'a.newer', 'a.later', 'b.held');
  await registerRunner(pool, runner({ 'a.there': '1.0.0', 'a.newer': '1.9.0' }));
  await submit(
    pool,
    { name: 'a.there', payload: {} },
    { name: 'a.gone', payload: 1 },
    { name: 'a.gone', payload: 2 },
    { name: 'a.newer', payload: {}, version: '1.10.0' },
    { name: 'b.held', payload: {} },
  );
  await submit(pool, { name: 'a.later', payload: {}, runAt: new Date(Date.now() + 3_600_000).toISOString() });
  await pool.query(`insert into errand.pauses (target, actor, reason) values ('b', 'ada', 'stock-taking')`);
  await pool.query(`update errand.tasks set run_at = now() - interval '3 hours' where name = 'a.gone'`);
  const open = await readOpenTasks(pool);
  const findings = judgeNames(open, 1);
  expect(findings.map(({ code, severity, subject }) => [code, severity, subject])).toEqual([
    ['name_without_runner', 'error', 'a.gone'],
    ['name_without_runner', 'warning', 'a.later'],
    ['version_without_runner', 'error', 'a.newer'],
  ]);
  expect(findings[0]?.message).toContain('2 tasks a.gone (the oldest due for 3 h)');
  const [paused] = judgeQueue(await readQueueFacts(pool, 120, KEPT), open, 1);
  expect(paused).toMatchObject({ code: 'paused', subject: 'b' });
  expect(paused?.message).toMatch(/by ada, because: stock-taking. 1 of its tasks are due/);
});

test('dispatches of nobody and tasks without a dispatch are found once they are overdue', async () => {
  const pool = await withNames('a.one');
  await registerRunner(pool, runner({ 'a.one': '1.0.0' }));
  const held = await submitOne(pool, { name: 'a.one', payload: 1 });
  const lost = await submitOne(pool, { name: 'a.one', payload: 2 });
  const read = async () => {
    const { orphaned, lost: without } = await readQueueFacts(pool, 120, KEPT);
    return [orphaned.dispatches, without.tasks];
  };
  const dispatch = (id: string): string => `(select dispatch_id::text from errand.tasks where id = '${id}')`;
  await pool.query(
    `update errand_worker._private_jobs set locked_by = 'gone', locked_at = now() where key = ${dispatch(held.id)}`,
  );
  await pool.query(`delete from errand_worker._private_jobs where key = ${dispatch(lost.id)}`);
  expect(await read()).toEqual([0, 0]);
  await pool.query(`update errand_worker._private_jobs set locked_at = now() - interval '5 minutes'`);
  await pool.query(`update errand.tasks set run_at = now() - interval '5 minutes'`);
  expect(await read()).toEqual([1, 1]);
  await pool.query(`update errand.runners set pool_ids = '{gone}'`);
  expect(await read()).toEqual([0, 1]);
  const findings = judgeQueue(await readQueueFacts(pool, 120, KEPT), await readOpenTasks(pool), 1);
  expect(findings.map(({ code }) => code)).toEqual(['tasks_wait', 'dispatch_lost']);
});

test('quarantined tasks, late retention, stalled upkeep and disabled callbacks are found', async () => {
  const pool = await withNames('a.one');
  await pool.query(`
    insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload, error)
    values ('a.one', '1.0.0', 'failed', 0, 1, now(), now(), '{}', '{"error_code": "QUARANTINED", "message": "x"}'),
           ('a.one', '1.0.0', 'failed', 0, 1, now(), now() - interval '15 days', '{}', '{"error_code": "X", "message": "x"}'),
           ('a.one', '1.0.0', 'succeeded', 0, 1, now(), now() - interval '2 days', '{}', null);
    insert into errand.rounds values ('reconciling', now() - interval '1 hour'), ('gone_by_now', now() - interval '1 year');
    update errand.rollup_watermark set rolled_up_to = now() - interval '1 hour';
    insert into errand.disabled_callbacks select 'a', 'https://example.com', now(), id from errand.tasks limit 1`);
  const facts = await readQueueFacts(pool, 120, KEPT);
  expect(facts.quarantined).toMatchObject([{ name: 'a.one', tasks: 1 }]);
  expect(facts.retention[0]?.overdueSecs).toBeGreaterThan(24 * 3_600 - 60);
  expect(judgeQueue(facts, [], 1).map(({ code, subject }) => [code, subject])).toEqual([
    ['quarantined', 'a.one'],
    ['retention_behind', null],
    ['upkeep_behind', 'reconciling'],
    ['upkeep_behind', 'rollups'],
    ['callbacks_disabled', null],
  ]);
  // Longer times of the configuration count.
  expect((await readQueueFacts(pool, 120, { finished: 72, failed: 720 })).retention).toEqual([]);
});
