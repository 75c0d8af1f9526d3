import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createReconciler } from '../../../../runner/maintenance/rounds.ts';
import { dispatchLost } from '../../../../store/attempts/reconcile.ts';
import { recoverLostRunners } from '../../../../store/attempts/recovery.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

// Rows that a superuser wrote past every constraint: nobody else notices.

const { pool } = await createDatabase();
const api = await startApi(pool);
await registerDefinitions(pool, definitions);
await pool.query(`
  alter table errand.tasks drop constraint tasks_times_check, drop constraint tasks_progress_check, drop constraint tasks_texts_check;
  alter table errand.attempts drop constraint attempts_times_check;
  alter table errand.logs drop constraint logs_times_check;
  alter table errand.audit drop constraint audit_times_check;
  alter table errand.runners drop constraint runners_times_check;
  alter table errand.pauses drop constraint pauses_times_check`);

const echo = { name: 'example.echo', payload: { message: 'x' } };
const TIMES = ['infinity', '-infinity', '294276-01-01Z', '4713-01-01Z BC'];

test('lists, records, logs, explain, cancel and retry answer, whatever times are in the tables', async () => {
  const tasks = await submit(pool, ...TIMES.map(() => echo));
  for (const [index, { id }] of tasks.entries()) {
    const at = TIMES[index];
    await pool.query(
      `update errand.tasks set run_at = $2, started_at = $2, finished_at = $2, progress = 'NaN', state = 'failed', error = '{"error_type": "Odd", "message": "x", "error_code": null, "retryable": false, "metadata": null, "stack": null}' where id = $1`,
      [id, at],
    );
    await pool.query(
      `insert into errand.attempts (task_id, attempt, outcome, started_at, finished_at) values ($1, 1, 'failed', $2, $2)`,
      [id, at],
    );
    await pool.query(
      `insert into errand.logs (task_id, seq, attempt, level, message, at) values ($1, 1, 1, 'info', 'x', $2)`,
      [id, at],
    );
    await pool.query(`insert into errand.audit (at, actor, action, task_id) values ($2, 'me', 'retry', $1)`, [
      id,
      at,
    ]);
    await pool.query(
      `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, started_at, heartbeat_at)
       values ('odd', 1, '1', '{example.echo}', 1, 15, $1, $1)`,
      [at],
    );
  }
  await pool.query(
    `insert into errand.pauses (target, paused_at, actor) values ('odd.name', 'infinity', 'me')`,
  );
  const [first, second] = tasks;
  const calls: [string, string][] = [
    ['GET', '/v1/tasks'],
    ['GET', '/v1/tasks/stats'],
    ['GET', '/v1/audit'],
    ['GET', '/v1/runners'],
    ['GET', '/v1/handlers'],
    ['GET', '/v1/queues'],
    ['GET', '/v1/errors'],
    ...tasks.flatMap(({ id }): [string, string][] => [
      ['GET', `/v1/tasks/${id}`],
      ['GET', `/v1/tasks/${id}/explain`],
      ['GET', `/v1/tasks/${id}/logs`],
    ]),
    ['PATCH', `/v1/tasks/${first?.id}/retry`],
    ['DELETE', `/v1/tasks/${first?.id}`],
    ['PATCH', `/v1/tasks/${second?.id}/retry`],
  ];
  for (const [method, path] of calls) {
    const { status, text } = await api.call(method, path);
    expect([method, path, status < 300 ? 'answered' : text]).toEqual([method, path, 'answered']);
  }
  await pool.query(
    `delete from errand.tasks; delete from errand.runners; delete from errand.pauses; delete from errand_worker._private_jobs`,
  );
});

test('dispatches and jobs that nobody can read harm nobody: the pool works on, and takes nothing from others', async () => {
  await startTestRunner(pool);
  const [early, other] = await submit(
    pool,
    { ...echo, delayMs: 3_600_000 },
    { ...echo, priority: 1, delayMs: 3_600_000 },
  );
  await pool.query(`update errand.tasks set run_at = '-infinity' where id = $1`, [early?.id]);
  await pool.query(
    `update errand_worker._private_jobs set run_at = '-infinity', created_at = 'infinity', updated_at = '-infinity'
      where key = (select dispatch_id::text from errand.tasks where id = $1)`,
    [early?.id],
  );
  for (const payload of [
    '{"a": 1}',
    '[1, null, ["x"]]',
    '["x"]',
    '"\\u0000"',
    '[]',
    'null',
    `["${other?.id}"]`,
  ]) {
    await pool.query(
      `select errand_worker.add_job('example.echo', $1::json, run_at => now() - interval '1 year', job_key => $2)`,
      [payload, payload === 'null' ? null : `by hand ${payload}`],
    );
  }
  await pool.query(`select errand_worker.add_job('example.echo', '[]', job_key => gen_random_uuid()::text)`);
  expect(await finished(pool, String(early?.id))).toMatchObject({ state: 'succeeded' });
  const { id } = await submitOne(pool, echo);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  await until('what was added by hand is gone', async () => {
    const { rowCount } = await pool.query(
      `select from errand_worker._private_jobs where key like 'by hand%' or key is null`,
    );
    return rowCount === 0;
  });
  const { rows } = await pool.query('select state from errand.tasks where id = $1', [other?.id]);
  expect(rows).toEqual([{ state: 'scheduled' }]);
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('a dispatch that was put off for ever, or used up, is made again by the reconciler, and the old one removed', async () => {
  const [put, used] = await submit(pool, echo, { ...echo, priority: 1 });
  await pool.query(`update errand.tasks set run_at = now() - interval '1 minute'`);
  const dispatchOf = `key = (select dispatch_id::text from errand.tasks where id = $1)`;
  await pool.query(`update errand_worker._private_jobs set run_at = 'infinity' where ${dispatchOf}`, [
    put?.id,
  ]);
  await pool.query(`update errand_worker._private_jobs set attempts = max_attempts where ${dispatchOf}`, [
    used?.id,
  ]);
  expect((await dispatchLost(pool)).dispatched).toBe(2);
  await createReconciler(pool, pino({ enabled: false }))(new AbortController().signal);
  expect((await pool.query('select from errand_worker._private_jobs')).rowCount).toBe(2);
  await startTestRunner(pool);
  for (const task of [put, used])
    expect(await finished(pool, String(task?.id))).toMatchObject({ state: 'succeeded' });
});

test('jobs that are no dispatches, in the hands of a lost runner, do not keep its work from others', async () => {
  const { rows } = await pool.query<{ id: number }>(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, heartbeat_at, steady_since, pool_ids)
     values ('lost', 1, '1', '{}', 1, 1, now() - interval '1 hour', now() - interval '1 hour', '{pool-odd}'),
            ('me', 1, '1', '{}', 1, 1, now(), now() - interval '1 hour', '{}')
     returning id`,
  );
  for (const payload of ['{"a": 1}', '["x", null, {"b": 2}]'])
    await pool.query(`select errand_worker.add_job('example.sleep', $1::json)`, [payload]);
  await pool.query(
    `update errand_worker._private_jobs set locked_at = now(), locked_by = 'pool-odd' where locked_at is null`,
  );
  const recovered = await recoverLostRunners(pool, Number(rows[1]?.id));
  expect(recovered?.lost.map(({ host }) => host)).toEqual(['lost']);
});
