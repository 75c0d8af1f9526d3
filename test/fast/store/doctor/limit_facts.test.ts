import { expect, test } from 'vitest';
import { judgeLimits } from '../../../../doctor/limits.ts';
import { judgeNames } from '../../../../doctor/pool.ts';
import { readLimitFacts } from '../../../../store/doctor/limit_facts.ts';
import { readOpenTasks } from '../../../../store/doctor/pool_facts.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit } from '../../../support/tasks.ts';
import { registerNames } from '../stats/finished.ts';

const { pool } = await createDatabase();

test('what operators have set for limits is told, with who and why, and what waits for long', async () => {
  expect(judgeLimits(await readLimitFacts(pool))).toEqual([]);
  await pool.query(
    `insert into errand.limits (name, declared_slots, set_slots, is_paused, is_unlimited, set_at, set_by, set_reason)
     values ('a.plain', 2, null, false, false, null, null, null),
            ('a.set', 2, 5, false, false, now() - interval '2 h', 'user:ann', 'more paper'),
            ('a.free', 2, null, false, true, now(), 'user:ann', null),
            ('a.held', 2, null, true, false, now() - interval '3 h', 'user:bob', 'no paper'),
            ('a.gone', null, 5, false, false, now(), 'user:bob', null);
     insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     select gen_random_uuid(), limit_name, '', 'a.x', '1', 0, now() - age, 0, now() - age, gen_random_uuid()
       from (values ('a.plain', interval '1 h'), ('a.set', '10 s'), ('a.held', '1 h')) w (limit_name, age)`,
  );
  const found = judgeLimits(await readLimitFacts(pool));
  expect(found.map(({ code, severity, subject }) => [code, severity, subject])).toEqual([
    ['limit_paused', 'warning', 'a.held'],
    ['limit_set', 'ok', 'a.free'],
    ['limit_unused', 'warning', 'a.gone'],
    ['limit_set', 'ok', 'a.set'],
    ['limit_waits', 'ok', 'a.plain'],
  ]);
  expect(found[0]).toMatchObject({
    message:
      'The limit a.held has been paused for 3 h by user:bob, because: no paper. Nothing starts under it',
    remedy: 'When the reason is over: `errand limits resume a.held`',
  });
  expect(found[1]?.message).toContain('The limit a.free is no limit instead of 2, as it was set');
  expect(found[3]?.message).toContain('The limit a.set is 5 instead of 2, as it was set 2 h ago by user:ann');
  await pool.query('delete from errand.limit_waits; delete from errand.limits');
});

test('tasks that wait for a limit miss no runner (issue 19)', async () => {
  await registerNames(pool, 'b.x');
  const [held, free] = await submit(pool, { name: 'b.x', payload: {} }, { name: 'b.x', payload: {} });
  const missing = async () =>
    judgeNames(await readOpenTasks(pool), 1).map(({ code, message }) => [code, message]);
  await pool.query(
    `insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     select id, 'b.x', '', name, version, priority, run_at, priority, run_at, dispatch_id from errand.tasks where id = any ($1)`,
    [[held?.id, free?.id]],
  );
  expect(await missing()).toEqual([]);
  await pool.query('update errand.limit_waits set called_at = now() where task_id = $1', [free?.id]);
  expect(await missing()).toEqual([['name_without_runner', expect.stringMatching(/^1 tasks b.x/)]]);
});
