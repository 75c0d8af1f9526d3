import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { expireTasks } from '../../../runner/maintenance/rounds.ts';
import { openPool } from '../../../store/database/pool.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { startTestRunner } from '../../support/runner.ts';
import { submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const EXPIRED = 20_000;
const HOURS = 24;

/** Inserts finished tasks of some age, each with an attempt and two log lines. */
const INSERT = `
  with t as (
    insert into errand.tasks (name, version, state, priority, attempt, max_attempts, run_at, started_at, finished_at, payload, error,
                              dedup, dedup_key, dedup_hash, reason)
    select $1, '1', $2, 0, 2, 3, now(), now(), case when $2 = 'queued' then null else now() - make_interval(hours => $3) end, '{}', '{}',
           'key', 'old ' || n, errand.dedup_hash($1, 'key', $5 || n, '{}'), $5
      from generate_series(1, $4::integer) n
    returning id
  ),
  a as (
    insert into errand.attempts (task_id, attempt, outcome, finished_at) select id, 1, 'failed', now() from t
  )
  insert into errand.logs (task_id, seq, attempt, level, message, at)
  select id, seq, 1, 'info', 'said', now() from t cross join generate_series(1, 2) seq`;

/** A pool whose statements may not take long, whatever they wait for. */
function hurriedPool(url: string, statementTimeoutMs: number): Pool {
  return openPool({
    connectionString: url,
    applicationName: 'hurried',
    size: 4,
    statementTimeoutMs,
    onError: () => {},
  });
}

/** Submits, until `isOver`, new tasks and duplicates of those that are being deleted. Gives the ids of the former. */
async function submitUntil(pool: Pool, isOver: () => boolean): Promise<string[]> {
  const ids: string[] = [];
  await until(
    'it is over',
    async () => {
      const echo = { name: 'example.echo', payload: { message: 'x' } };
      const key = `old ${(ids.length * 37) % EXPIRED}`;
      const [task] = await submit(pool, echo, { ...echo, dedup: { dedup: 'key', key } });
      ids.push(String(task?.id));
      return isOver();
    },
    30_000,
  );
  return ids;
}

test('F29: retention deletes 20,000 tasks while the queue runs: every submission succeeds, and nothing else goes', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  await registerDefinitions(pool, definitions);
  await pool.query(
    `update errand.definitions set policy = policy || '{"retentionHours": 200}' where name = 'example.fail'`,
  );
  const expired = [
    ['example.echo', 'succeeded', HOURS + 1, EXPIRED],
    ['example.fail', 'failed', 201, 50],
  ];
  const kept = [
    ['example.fail', 'failed', HOURS + 1, 51],
    ['example.sleep', 'cancelled', HOURS - 1, 52],
    ['example.crash', 'queued', 1_000, 53],
  ];
  for (const [name, state, hours, count] of [...expired, ...kept]) {
    await pool.query(INSERT, [
      name,
      state,
      hours,
      count,
      name === 'example.echo' ? 'old ' : `${hours} hours `,
    ]);
  }
  await pool.query('analyze errand.tasks, errand.attempts, errand.logs');
  await startTestRunner(pool, { retentionHours: HOURS });
  const hurried = hurriedPool(url, 2_000);
  let over = false;
  // As several runners may do it at once.
  const deleting = Promise.all(
    [1, 2].map(() => expireTasks(pool, { finished: HOURS, failed: HOURS }, new AbortController().signal)),
  ).finally(() => {
    over = true;
  });
  const ids = await submitUntil(hurried, () => over);
  for (const id of ids) history.ok(id);
  expect(ids.length).toBeGreaterThan(5);
  const [first = 0, second = 0] = await deleting;
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(0);
  const { rows } = await pool.query(`
    select name, count(*) as tasks, sum((select count(*) from errand.attempts where task_id = id))::integer as attempts,
           sum((select count(*) from errand.logs where task_id = id))::integer as lines
      from errand.tasks where reason is not null group by name order by name`);
  expect(rows).toEqual([
    { name: 'example.crash', tasks: 53, attempts: 53, lines: 106 },
    { name: 'example.fail', tasks: 51, attempts: 51, lines: 102 },
    { name: 'example.sleep', tasks: 52, attempts: 52, lines: 104 },
  ]);
  await pool.query('delete from errand.tasks where id <> all ($1)', [ids]);
  await until('the new ones have run', () => allFinished(pool));
  await history.check(pool);
  await hurried.end();
});

test('F29: a batch that takes longer than a statement may is tried again as a smaller one', async () => {
  const { url, pool } = await createDatabase();
  await registerDefinitions(pool, definitions);
  await pool.query(INSERT, ['example.echo', 'succeeded', HOURS + 1, 60, 'old']);
  await pool.query(`
    create function slow() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.01); return old; end $$;
    create trigger slow before delete on errand.tasks for each row execute function slow()`);
  const hurried = hurriedPool(url, 400);
  expect(await expireTasks(hurried, { finished: HOURS, failed: HOURS }, new AbortController().signal)).toBe(
    60,
  );
  await hurried.end();
});
