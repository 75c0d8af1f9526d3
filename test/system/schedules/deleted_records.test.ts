import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { startFixtureRunner, steady } from '../../support/runners.ts';
import { until } from '../../support/until.ts';
import { endAll, makeSchedules, several } from './made_schedules.ts';

const MIN_TIMES = 8;

test('a time is not handled again after the records of it were deleted', async () => {
  const { url, pool } = await createDatabase();
  // It keeps what retention deletes.
  await pool.query(`
    create table public.seen (schedule_id text, scheduled_for timestamptz);
    create function public.see() returns trigger language plpgsql as $$
      begin
        insert into public.seen values (new.schedule_id, new.scheduled_for);
        return new;
      end $$;
    create trigger see after insert on errand.tasks for each row execute function public.see()`);
  await Promise.all([1, 2].map(() => startFixtureRunner(url)));
  await steady(pool, 2);
  const settings = { every_seconds: 1, overlap: 'allow', catch_up: 'all' } as const;
  await makeSchedules(pool, [
    ...several(5, { id: 'fixture.all', everySecs: 1, runsAll: true, settings }),
    ...several(5, { id: 'fixture.last', everySecs: 1, runsAll: false, settings: { every_seconds: 1 } }),
  ]);
  await until('many times have passed, whose records are gone', async () => {
    await pool.query('delete from errand.tasks where finished_at is not null');
    await pool.query('delete from errand.schedule_runs');
    const { rows } = await pool.query(
      'select schedule_id from public.seen group by 1 having count(*) >= $1',
      [MIN_TIMES],
    );
    return rows.length === 10;
  });
  await endAll(pool);
  const { rows } = await pool.query(
    `select schedule_id, count(*) as tasks, count(distinct scheduled_for) as times,
            1 + extract(epoch from max(scheduled_for) - min(scheduled_for))::integer as expected
       from public.seen
      group by 1`,
  );
  const all = rows.filter(({ schedule_id: id }) => id.startsWith('fixture.all'));
  expect(rows.filter(({ tasks, times }) => tasks !== times)).toEqual([]);
  expect(all.filter(({ tasks, expected }) => tasks !== expected)).toEqual([]);
  expect([all.length, rows.length]).toEqual([5, 10]);
});
