import assert from 'node:assert/strict';
import type { Pool } from 'pg';
import type { MadeSchedule } from './made_schedules.ts';

const MS_PER_SEC = 1_000;

/** A task of a schedule: times are in ms since 1970. */
type TaskOfTime = {
  id: string;
  schedule_id: string;
  scheduled_for: number;
  created_at: number;
  finished_at: number;
};

/** A row of errand.schedule_runs. */
type Run = {
  schedule_id: string;
  scheduled_for: number;
  outcome: 'submitted' | 'skipped';
  reason: string | null;
  until: number | null;
  times: number | null;
  task_id: string | null;
  at: number;
};

/** A row of errand.schedules. */
type Row = { id: string; created_at: number; last_at: number | null; next_at: number | null };

type Ledger = { rows: Row[]; tasks: TaskOfTime[]; runs: Run[] };

/** What the ledger says about one schedule. */
type Found = { schedule: MadeSchedule; row: Row; tasks: TaskOfTime[]; runs: Run[] };

/**
 * Compares every time that schedules should have had with the tasks and the runs that exist, after all have
 * ended (specification K3). It computes the times itself: the multiples of the interval from when the
 * schedule was made until it ended. Each must be handled exactly once, submitted or skipped for a reason that
 * holds, never before its time, and the watermark must be at the last one. Throws with every difference.
 */
export async function checkTimes(pool: Pool, schedules: readonly MadeSchedule[]): Promise<void> {
  const ledger = await readLedger(pool);
  const problems = schedules.flatMap((schedule) => {
    const row = ledger.rows.find(({ id }) => id === schedule.id);
    if (row === undefined) return [`${schedule.id} is not stored`];
    const own = ({ schedule_id }: { schedule_id: string }): boolean => schedule_id === schedule.id;
    const found = { schedule, row, tasks: ledger.tasks.filter(own), runs: ledger.runs.filter(own) };
    return [
      ...problemsOfTimes(found),
      ...problemsOfTasks(found),
      ...problemsOfSkips(found),
      ...problemsOfOverlap(found),
      ...problemsOfWatermark(found),
    ].map((problem) => `${schedule.id}: ${problem}`);
  });
  const known = new Set(schedules.map(({ id }) => id));
  const others = ledger.tasks.filter((task) => !known.has(task.schedule_id)).map(({ id }) => id);
  assert.deepEqual(others, [], 'tasks of schedules that nobody made');
  assert.deepEqual(problems, []);
}

async function readLedger(pool: Pool): Promise<Ledger> {
  const ms = (column: string): string => `extract(epoch from ${column})::float8 * 1000 as ${column}`;
  const { rows } = await pool.query<Row>(
    `select id, ${['created_at', 'last_at', 'next_at'].map(ms).join(', ')} from errand.schedules`,
  );
  const { rows: tasks } = await pool.query<TaskOfTime>(
    `select id, schedule_id, ${ms('scheduled_for')}, ${ms('finished_at')},
            extract(epoch from errand.uuid_time(id))::float8 * 1000 as created_at
       from errand.tasks
      where schedule_id is not null
      order by created_at`,
  );
  const { rows: runs } = await pool.query<Run>(
    `select schedule_id, outcome, reason, times, task_id, ${['scheduled_for', 'until', 'at'].map(ms).join(', ')}
       from errand.schedule_runs`,
  );
  return { rows, tasks, runs };
}

/** The times that a schedule should have had. A multiple of its interval that passes while it is made may count. */
function expectedTimes({ schedule, row, tasks, runs }: Found): number[] {
  const step = schedule.everySecs * MS_PER_SEC;
  const made = Math.max(row.created_at, schedule.anchor - step);
  const first = schedule.anchor + Math.floor((made - schedule.anchor) / step) * step;
  const end = schedule.endsAt?.getTime() ?? row.last_at ?? 0;
  const handled = [...tasks, ...runs].some(({ scheduled_for }) => scheduled_for === first);
  const wasBeingMade = row.created_at - first < MS_PER_SEC;
  const times: number[] = [];
  for (let time = first; time <= end; time += step) times.push(time);
  return handled && wasBeingMade ? times : times.slice(1);
}

function problemsOfTimes(found: Found): string[] {
  const step = found.schedule.everySecs * MS_PER_SEC;
  const handled = new Map<number, string[]>();
  const handle = (time: number, how: string): void => {
    handled.set(time, [...(handled.get(time) ?? []), how]);
  };
  for (const { id, scheduled_for } of found.tasks) handle(scheduled_for, `task ${id}`);
  for (const run of found.runs.filter(({ outcome }) => outcome === 'skipped')) {
    for (let time = run.scheduled_for; time <= (run.until ?? run.scheduled_for); time += step)
      handle(time, `skipped: ${run.reason}`);
  }
  const expected = expectedTimes(found);
  const isExpected = new Set(expected);
  return [
    ...expected.filter((time) => !handled.has(time)).map((time) => `nothing happened at ${shown(time)}`),
    ...[...handled]
      .filter(([time, how]) => how.length > 1 || !isExpected.has(time))
      .map(([time, how]) => `${isExpected.has(time) ? '' : 'not a time, '}${shown(time)}: ${how.join(', ')}`),
  ];
}

/** Each task has the record of its time, and was not made before it. */
function problemsOfTasks({ tasks, runs }: Found): string[] {
  const submitted = runs.filter(({ outcome }) => outcome === 'submitted');
  const recorded = new Map(submitted.map((run) => [run.task_id, run.scheduled_for]));
  return [
    ...tasks
      .filter(({ id, scheduled_for }) => recorded.get(id) !== scheduled_for)
      .map(({ id, scheduled_for }) => `task ${id} of ${shown(scheduled_for)} has no record of it`),
    ...tasks
      .filter(({ created_at, scheduled_for }) => created_at < scheduled_for)
      .map((task) => `task ${task.id} of ${shown(task.scheduled_for)} was made at ${shown(task.created_at)}`),
    ...(submitted.length === tasks.length ? [] : [`${submitted.length} records of ${tasks.length} tasks`]),
  ];
}

/** What may be skipped was skipped for a reason that its settings allow, and that held. */
function problemsOfSkips({ schedule, tasks, runs }: Found): string[] {
  const step = schedule.everySecs * MS_PER_SEC;
  const isJustified = ({ reason, scheduled_for, until, times, task_id, at }: Run): boolean => {
    const last = until ?? scheduled_for;
    const count = (last - scheduled_for) / step + 1;
    if (times !== (until === null ? null : count <= 1_000 ? count : null)) return false;
    if (schedule.runsAll) return false;
    // A newer time was due, or it was too late.
    if (reason === 'missed') return at >= last + step || at > last + schedule.windowSecs * MS_PER_SEC;
    if (reason === 'replaced') return schedule.overlap === 'cancel_running';
    if (reason !== 'overlap' || !['skip', 'queue_one'].includes(schedule.overlap)) return false;
    // Without a task, an earlier time was held.
    if (task_id === null) return schedule.overlap === 'queue_one';
    const open = tasks.find(({ id }) => id === task_id);
    return open !== undefined && open.scheduled_for < scheduled_for;
  };
  return runs
    .filter((run) => run.outcome === 'skipped' && !isJustified(run))
    .map((run) => `skipped without reason: ${JSON.stringify(run)}`);
}

/** Unless its runs may overlap, each task was made after the end of the one before (specification K6). */
function problemsOfOverlap({ schedule, tasks }: Found): string[] {
  if (schedule.overlap === 'allow') return [];
  return tasks
    .slice(1)
    .filter(({ created_at }, index) => Math.ceil(created_at) < Math.floor(tasks[index]?.finished_at ?? 0))
    .map(
      ({ id, scheduled_for }) => `task ${id} of ${shown(scheduled_for)} was made before an earlier one ended`,
    );
}

function problemsOfWatermark(found: Found): string[] {
  const { last_at, next_at } = found.row;
  const last = expectedTimes(found).at(-1);
  return [
    ...(last_at === last
      ? []
      : [`the watermark is at ${shown(last_at ?? 0)} instead of ${shown(last ?? 0)}`]),
    ...(next_at === null ? [] : [`it has ended, but its next time is ${shown(next_at)}`]),
  ];
}

function shown(time: number): string {
  return new Date(time).toISOString();
}
