import type { SkipReason } from '../../core/schedules/skip_reasons.ts';
import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';

/** The outcome of a time, or of a range of skipped times. Times are ISO 8601. */
export type ScheduleRun = {
  scheduled_for: string;
  /** The last time of a range of skipped times. */
  until: string | null;
  /** How many times these are; null if they were too many to count. */
  times: number | null;
  outcome: 'submitted' | 'skipped';
  reason: SkipReason | null;
  /** Why it was submitted: its time, a backfill, or by hand. */
  cause: 'time' | 'backfill' | 'trigger';
  /** The submitted task; for `overlap` the open one. Its state is null if its record was removed. */
  task: { id: string; state: State | null } | null;
  /** When it was recorded. */
  at: string;
};

/** A place in the history, which pages continue from: the time with its microseconds, and the outcome. */
export type RunPlace = { scheduledFor: string; outcome: string };

/** The columns of a run `r` and its task `t`. `key` is the time with its microseconds. */
const COLUMNS = `
  r.scheduled_for, r.until, case when r.until is null then 1 else r.times end as times, r.outcome, r.reason,
  case when r.is_trigger then 'trigger' when r.is_backfill then 'backfill' else 'time' end as cause,
  r.task_id, t.state as task_state, r.at,
  to_char(r.scheduled_for at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as key`;

type Row = Omit<ScheduleRun, 'task'> & { task_id: string | null; task_state: State | null; key: string };

export type RunFilter = {
  outcome?: ScheduleRun['outcome'] | undefined;
  reason?: SkipReason | undefined;
  /** Times from this one on. A range of skipped times counts if a part of it is. */
  from?: string | undefined;
  /** Times before this one. */
  to?: string | undefined;
};

/**
 * A page of the history of a schedule, newest time first, after the place `after`, and whether more follow. Reads
 * along the primary key; only skipped times along schedule_runs_skipped_idx.
 */
export async function listRuns(
  database: Database,
  id: string,
  filter: RunFilter,
  page: { after?: RunPlace | undefined; size: number },
): Promise<{ runs: ScheduleRun[]; next: RunPlace | null }> {
  const { outcome = filter.reason === undefined ? undefined : 'skipped' } = filter;
  const { rows } = await database.query<Row>({
    name: `list_schedule_runs${outcome === 'skipped' ? '_skipped' : ''}`,
    text: `
      select ${COLUMNS}
        from (select *
                from errand.schedule_runs r
               where r.schedule_id = $1
                 and ${outcome === 'skipped' ? `r.outcome = 'skipped' and $2::text is not null` : `($2::text is null or r.outcome = $2)`}
                 and ($3::text is null or r.reason = $3)
                 and ($4::timestamptz is null or r.scheduled_for >= coalesce(${RANGE_AROUND}, $4))
                 and ($5::timestamptz is null or r.scheduled_for < $5)
                 and ($6::timestamptz is null or (r.scheduled_for, r.outcome) < ($6, $7))
               order by r.scheduled_for desc, r.outcome desc
               limit $8) r
        left join errand.tasks t on t.id = r.task_id
       order by r.scheduled_for desc, r.outcome desc`,
    values: [
      id,
      outcome ?? null,
      filter.reason ?? null,
      filter.from ?? null,
      filter.to ?? null,
      page.after?.scheduledFor ?? null,
      page.after?.outcome ?? null,
      page.size + 1,
    ],
  });
  const last = rows.length > page.size ? rows[page.size - 1] : undefined;
  return {
    runs: rows.slice(0, page.size).map(toRun),
    next: last === undefined ? null : { scheduledFor: last.key, outcome: last.outcome },
  };
}

/** The first time of the range of skipped times that $4 is in. Ranges do not overlap. Uses schedule_runs_skipped_idx. */
const RANGE_AROUND = `
  (select case when p.until >= $4 then p.scheduled_for end
     from (select * from errand.schedule_runs p
            where p.schedule_id = $1 and p.outcome = 'skipped' and p.scheduled_for < $4
            order by p.scheduled_for desc
            limit 1) p)`;

/**
 * The records of one time: that it was submitted, that it was skipped, or both if a backfill submitted it
 * later. Uses the primary key and schedule_runs_skipped_idx.
 */
export async function readRunsOf(database: Database, id: string, time: Date): Promise<ScheduleRun[]> {
  const { rows } = await database.query<Row>({
    name: 'read_schedule_runs_of',
    text: `
      select ${COLUMNS}
        from (select * from errand.schedule_runs
               where schedule_id = $1 and scheduled_for = $2 and outcome = 'submitted'
               union all
              (select * from errand.schedule_runs
                where schedule_id = $1 and scheduled_for <= $2 and outcome = 'skipped'
                order by scheduled_for desc
                limit 1)) r
        left join errand.tasks t on t.id = r.task_id
       where $2 <= coalesce(r.until, r.scheduled_for)
       order by r.outcome desc`,
    values: [id, time],
  });
  return rows.map(toRun);
}

/** Entries of skipped times that are summed up at most. */
export const SUMMED_UP_RUNS = 1_000;

/**
 * How many times were skipped for each reason, of the newest SUMMED_UP_RUNS entries about skipped times. A range
 * that was too long to count is one of 1,000. Uses schedule_runs_skipped_idx.
 */
export async function countSkipped(
  database: Database,
  id: string,
): Promise<Partial<Record<SkipReason, number>>> {
  const { rows } = await database.query<{ reason: SkipReason; count: number }>({
    name: 'count_skipped_times',
    text: `
      select reason, sum(case when until is null then 1 else coalesce(times, 1000) end)::bigint as count
        from (select * from errand.schedule_runs
               where schedule_id = $1 and outcome = 'skipped'
               order by scheduled_for desc
               limit ${SUMMED_UP_RUNS}) skipped
       group by reason`,
    values: [id],
  });
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
}

/**
 * Deletes history that was recorded more than `days` ago, at most `limit` entries, and gives how many. Uses
 * schedule_runs_at_idx.
 */
export async function deleteOldRuns(database: Database, days: number, limit: number): Promise<number> {
  const { rowCount } = await database.query({
    name: 'delete_old_schedule_runs',
    text: `
      delete from errand.schedule_runs
       where ctid = any (array(select ctid
                                 from errand.schedule_runs
                                where at < errand.schedule_now() - make_interval(days => $1)
                                order by at
                                limit $2))`,
    values: [days, limit],
  });
  return rowCount ?? 0;
}

function toRun({ task_id, task_state, key: _key, ...run }: Row): ScheduleRun {
  return { ...run, task: task_id === null ? null : { id: task_id, state: task_state } };
}
