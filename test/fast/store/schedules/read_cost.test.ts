import { expect, test } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import { listSchedules, type ScheduleFilter } from '../../../../store/schedules/read.ts';
import { countSkipped, deleteOldRuns, listRuns, readRunsOf } from '../../../../store/schedules/runs.ts';
import { countTasks, listTasks } from '../../../../store/tasks/list.ts';
import { createDatabase } from '../../../support/database.ts';
import { type Scan, scansOf } from '../../../support/plans.ts';
import { storeSchedule } from '../../../support/schedules.ts';
import { type Statement, watched } from '../../api/app.ts';

const SCHEDULES = 10_000;
const RUNS = 50_000;
const { pool } = await createDatabase();
await storeSchedule(pool, { id: 'busy.seconds', every_seconds: 1 });
await pool.query(
  `insert into errand.schedules (id, task, origin, settings, submission, next_at, due_at)
   select (array['a', 'b', 'c', 'd'])[1 + n % 4] || '.n' || n, 'a.task' || n % 500, 'api', s.settings, s.submission, now(), now()
     from generate_series(1, ${SCHEDULES}) n cross join (select * from errand.schedules) s`,
);
await pool.query(
  `insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason, until, times, at)
   select 'busy.seconds', now() - n * interval '10 second', case when n % 1000 = 7 then 'skipped' else 'submitted' end,
          case when n % 1000 = 7 then 'missed' end, case when n % 1000 = 7 then now() - n * interval '10 second' + interval '5 second' end,
          1, now() - n * interval '10 second'
     from generate_series(1, ${RUNS}) n`,
);
await pool.query(
  `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, schedule_id, scheduled_for, finished_at)
   select 'example.echo', '1', 'succeeded', 0, 1, now(), '{}', case when n % 100 = 0 then 'busy.seconds' end,
          case when n % 100 = 0 then now() end, now()
     from generate_series(1, 20000) n`,
);
await pool.query('vacuum analyze errand.schedules, errand.schedule_runs, errand.tasks');

/** The scans of the statements that `run` sends, but not of what Postgres is asked about its plans. */
async function scansBy(run: (database: Database) => Promise<unknown>): Promise<Scan[]> {
  const statements: Statement[] = [];
  await run(watched(pool, (statement) => statements.push(statement)));
  const scans: Scan[] = [];
  for (const statement of statements.filter(({ text }) => !text.startsWith('explain')))
    scans.push(...(await scansOf(pool, statement)));
  return scans;
}

async function readBy(table: string, run: (database: Database) => Promise<unknown>): Promise<number> {
  const scans = await scansBy(run);
  return scans.filter((scan) => scan.table === table).reduce((sum, { read }) => sum + read, 0);
}

const long = async (): Promise<string> => {
  const { rows } = await pool.query<{ at: string }>(
    `select now() - ${RUNS - 100} * interval '10 second' as at`,
  );
  return rows[0]?.at ?? '';
};

test.each<[string, ScheduleFilter, string | undefined]>([
  ['the first page', { namespaces: undefined }, undefined],
  ['a late page', { namespaces: undefined }, 'd.n9'],
  ['one namespace', { namespaces: ['c'] }, undefined],
  ['a late page of several namespaces', { namespaces: ['a', 'c', 'nothing', 'd'] }, 'c.n5'],
  ['one task', { namespaces: undefined, task: 'a.task7' }, undefined],
])(
  'a page of a hundred of 10,000 schedules reads little more than the page: %s',
  async (_what, filter, after) => {
    const read = await readBy('schedules', (database) =>
      listSchedules(database, filter, { after, size: 100 }),
    );
    expect(read).toBeLessThanOrEqual(3 * 101);
  },
);

test('a page of a long history reads little more than the page, whatever it is narrowed by', async () => {
  const old = await long();
  const id = 'busy.seconds';
  for (const [what, filter, most] of [
    ['all', {}, 101],
    ['submitted', { outcome: 'submitted' }, 110],
    ['skipped', { outcome: 'skipped' }, 51],
    ['reason', { reason: 'missed' }, 51],
    ['long ago', { to: old }, 101],
    ['between', { from: old, to: old }, 5],
  ] as const) {
    const read = await readBy('schedule_runs', (database) => listRuns(database, id, filter, { size: 100 }));
    expect([what, read]).toEqual([what, expect.toSatisfy((rows: number) => rows <= most)]);
  }
});

test('what is known of one time, and what was skipped, is read by indexes', async () => {
  const at = new Date(await long());
  const ofTime = (database: Database) => readRunsOf(database, 'busy.seconds', at);
  expect(await readBy('schedule_runs', ofTime)).toBeLessThanOrEqual(3);
  const skipped = (database: Database) => countSkipped(database, 'busy.seconds');
  expect(await readBy('schedule_runs', skipped)).toBeLessThanOrEqual(51);
});

test('the tasks of a schedule are found by its index, in any namespace', async () => {
  for (const filter of [
    { scheduleId: 'busy.seconds' },
    { scheduleId: 'busy.seconds', namespaces: ['example'] },
    { scheduleId: 'busy.nothing', states: ['failed' as const] },
  ]) {
    const page = (database: Database) =>
      listTasks(database, filter, { size: 20, offset: 0, before: undefined });
    expect(await readBy('tasks', page)).toBeLessThanOrEqual(2 * 21);
    expect(await readBy('tasks', (database) => countTasks(database, filter))).toBeLessThanOrEqual(201);
  }
});

// Last, as it changes things.
test('old history is deleted in batches, the oldest first, by an index', async () => {
  const count = async (): Promise<number> =>
    (await pool.query<{ count: number }>('select count(*) from errand.schedule_runs')).rows[0]?.count ?? 0;
  const before = await count();
  expect(await deleteOldRuns(pool, 2, 300)).toBe(300);
  expect(await count()).toBe(before - 300);
  const scans = await scansBy((database) => deleteOldRuns(database, 2, 300));
  expect(scans.reduce((sum, { read }) => sum + read, 0)).toBeLessThanOrEqual(3 * 300);
  while ((await deleteOldRuns(pool, 2, 10_000)) > 0);
  const { rows } = await pool.query<{ old: number }>(
    `select count(*) as old from errand.schedule_runs where at < now() - interval '2 days'`,
  );
  expect(rows).toEqual([{ old: 0 }]);
  expect(await count()).toBeGreaterThan(17_000);
});
