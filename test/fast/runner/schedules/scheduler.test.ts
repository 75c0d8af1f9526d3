import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEvents } from '../../../../runner/record/events.ts';
import { startScheduler } from '../../../../runner/schedules/scheduler.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { readRuns, readSchedule, storeSchedule } from '../../../support/schedules.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();
const log = pino({ level: 'silent' });

function start() {
  const events = createEvents(log);
  const fired: unknown[] = [];
  events.on('schedulesFired', (ones) => fired.push(...ones));
  const skipped: unknown[] = [];
  events.on('schedulesSkipped', (ones) => skipped.push(...ones));
  const scheduler = startScheduler({ pool, events, log });
  onTestFinished(() => scheduler.close());
  return { scheduler, fired, skipped };
}

const submitted = async (id: string) =>
  (await readRuns(pool, id)).filter(({ outcome }) => outcome === 'submitted');

describe('the scheduler of a runner', () => {
  it('handles each time of a schedule once, though three of them try', async () => {
    await storeSchedule(pool, { id: 'example.seconds', every_seconds: 1, overlap: 'allow', catch_up: 'all' });
    const three = [start(), start(), start()];
    const runs = await until('four times are handled', async () => {
      const all = await submitted('example.seconds');
      return all.length >= 4 && all;
    });
    const times = runs.map(({ scheduled_for }) => Date.parse(scheduled_for));
    expect(times.map((time, index) => time - (times[index - 1] ?? time - 1_000))).toEqual(
      times.map(() => 1_000),
    );
    expect(three.flatMap(({ fired }) => fired).length).toBeGreaterThanOrEqual(3);
  });

  it('sleeps until a schedule is due, and is woken when one is made', async () => {
    const { scheduler } = start();
    await storeSchedule(pool, { id: 'example.woken', nextIn: 0, every_seconds: 3_600 });
    scheduler.wake();
    await until('the new schedule is handled', async () => (await submitted('example.woken')).length === 1);
  });

  it('marks a schedule whose times cannot be computed as broken, and handles the others', async () => {
    await storeSchedule(pool, { id: 'example.no_zone', cron: '0 2 * * *', timezone: 'Nowhere/City' });
    await storeSchedule(pool, { id: 'example.fine', every_seconds: 3_600 });
    start();
    await until('the other one is handled', async () => (await submitted('example.fine')).length === 1);
    const { broken, due_at } = await until('it is broken', async () => {
      const schedule = await readSchedule(pool, 'example.no_zone');
      return schedule.broken !== null && schedule;
    });
    expect(broken).toMatch(/^its times cannot be computed: .*Nowhere\/City/);
    expect(due_at).toBeNull();
  });

  it('marks a schedule that Postgres refuses as broken, and handles the others of the statement', async () => {
    await storeSchedule(pool, { id: 'example.refused', every_seconds: 3_600 });
    await pool.query(
      `update errand.schedules set submission = submission || '{"priority": 70000}' where id = 'example.refused'`,
    );
    await storeSchedule(pool, { id: 'example.accepted', every_seconds: 3_600 });
    start();
    await until('the other one is handled', async () => (await submitted('example.accepted')).length === 1);
    const { broken } = await until('it is broken', async () => {
      const schedule = await readSchedule(pool, 'example.refused');
      return schedule.broken !== null && schedule;
    });
    expect(broken).toMatch(/^its task cannot be submitted: .*out of range/);
  });

  it('catches up with many times of many schedules in several statements (temporal#4332)', async () => {
    for (let number = 1; number <= 5; number++) {
      const settings = { catch_up: 'all', catch_up_max: 400, overlap: 'allow' } as const;
      await storeSchedule(pool, {
        id: `example.storm_${number}`,
        every_seconds: 1,
        nextIn: -3_600,
        ...settings,
      });
    }
    start();
    await until('all have caught up', async () => {
      const { rowCount } = await pool.query(
        `select from errand.schedules where id like 'example.storm%' and last_at > now() - interval '60 s'`,
      );
      return rowCount === 5;
    });
    const { rows } = await pool.query<{ all: number; most: number }>(
      `select sum(tasks)::integer as all, max(tasks)::integer as most
         from (select count(*) as tasks from errand.schedule_runs
                where schedule_id like 'example.storm%' and outcome = 'submitted'
                group by at) statements`,
    );
    expect(rows[0]?.all).toBeGreaterThanOrEqual(2_000);
    expect(rows[0]?.most).toBeLessThanOrEqual(1_000);
    await pool.query(`delete from errand.schedules where id like 'example.storm%'`);
  });

  it('handles fewer schedules at once if Postgres is too slow for all of them', async () => {
    const ids = ['example.quick_1', 'example.quick_2', 'example.quick_3'];
    for (const id of ids) await storeSchedule(pool, { id, every_seconds: 3_600 });
    // A statement with two times takes too long.
    await pool.query(`
      create function public.slow() returns trigger language plpgsql as $$
        begin
          if (select count(*) from errand.schedule_runs r where r.schedule_id like 'example.quick%' and r.at = now()) > 1
          then raise exception using errcode = 'query_canceled';
          end if;
          return null;
        end $$;
      create trigger slow after insert on errand.schedule_runs for each statement execute function public.slow()`);
    onTestFinished(async () => {
      await pool.query('drop function public.slow() cascade');
    });
    start();
    for (const id of ids) await until(`${id} is handled`, async () => (await submitted(id)).length === 1);
  });

  it('says what it left out', async () => {
    await storeSchedule(pool, { id: 'example.late', every_seconds: 60, nextIn: -600 });
    const { skipped } = start();
    await until('it is handled', async () => (await submitted('example.late')).length >= 1);
    expect(skipped).toContainEqual({ namespace: 'example', reason: 'missed', times: expect.any(Number) });
    expect((await readRuns(pool, 'example.late'))[0]).toMatchObject({ outcome: 'skipped', reason: 'missed' });
  });
});

describe('a runner', () => {
  it('executes the tasks of a schedule, and submits a held time when the run before it has ended', async () => {
    await storeSchedule(pool, {
      ...{ id: 'example.slow', task: 'example.sleep', payload: { ms: 1_500 } },
      ...{ every_seconds: 1, overlap: 'queue_one' },
    });
    await startTestRunner(pool);
    const [first, second] = await until('two runs have succeeded', async () => {
      const runs = await submitted('example.slow');
      const ended = runs.filter(({ state }) => state === 'succeeded');
      return ended.length >= 2 && ended;
    });
    const { rows } = await pool.query<{ overlapped: boolean }>(
      `select a.finished_at > b.started_at as overlapped from errand.tasks a, errand.tasks b where a.id = $1 and b.id = $2`,
      [first?.task_id, second?.task_id],
    );
    expect(rows).toEqual([{ overlapped: false }]);
  });

  it('cancels the run that a newer time replaces', async () => {
    await storeSchedule(pool, {
      ...{ id: 'example.replaced', task: 'example.sleep', payload: { ms: 60_000 } },
      ...{ every_seconds: 1, overlap: 'cancel_running' },
    });
    await startTestRunner(pool);
    await until('a run was cancelled, and another one follows', async () => {
      const states = (await readRuns(pool, 'example.replaced')).map(({ state }) => state);
      return states.includes('cancelled') && states.filter((state) => state !== null).length >= 2;
    });
    const { rows } = await pool.query(
      `select distinct actor, action from errand.audit where actor = 'schedule:example.replaced'`,
    );
    expect(rows).toEqual([{ actor: 'schedule:example.replaced', action: 'cancel' }]);
    await pool.query(`delete from errand.schedules where id = 'example.replaced'`);
  });
});
