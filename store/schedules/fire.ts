import { assignDispatches } from '../../core/dispatches.ts';
import { type Database, retryTransient } from '../database/pool.ts';

/** The plan for one due schedule (core/schedules/plan.ts), ready for the ledger. */
export type PlannedFiring = {
  id: string;
  /** Of the row that it was planned for. */
  revision: number;
  /** Its next time then: a schedule that was removed and made again may have the same revision. */
  plannedFor: Date;
  task: string;
  priority: number;
  /** The times whose tasks are submitted, oldest first. Several only if runs may overlap. */
  times: Date[];
  /** Missed times that are left out. `count` is null if there are too many to count. */
  skipped: { from: Date; until: Date; count: number | null } | null;
  /** The new watermark. */
  lastAt: Date;
  nextAt: Date | null;
  dueAt: Date | null;
};

/** The outcome of a time: submitted, skipped because of an earlier run, or held until that run ends. */
export type Decision = 'submit' | 'overlap' | 'hold' | 'ran';

/** A schedule that this call has handled. */
export type Fired = {
  id: string;
  /** How late it was by Postgres's clock. */
  lagMs: number;
  /** How many of its times were decided in each way. */
  decisions: Partial<Record<Decision, number>>;
  /** A held time of before that a newer one has replaced. */
  replaced: boolean;
};

/**
 * Handles due times of schedules, in one statement: it moves each watermark, submits the tasks, and records
 * the outcome of each time (specification K3). A schedule counts only if its row is as it was planned for and
 * its time is due by Postgres's clock; one that another runner handles at this moment is left to it. So gives
 * those that it has handled.
 *
 * After a crash before the commit nothing has happened, and any runner does it again. After the commit the
 * watermark has moved with the tasks, so nobody does. Uses the primary key, tasks_schedule_open_idx, and the
 * primary key of schedule_runs.
 */
export async function fireSchedules(database: Database, planned: readonly PlannedFiring[]): Promise<Fired[]> {
  type Row = { id: string; lag_ms: number; decisions: Fired['decisions']; replaced: boolean };
  const { rows } = await retryTransient(() =>
    database.query<Row>({ name: 'fire_schedules', text: FIRE, values: [JSON.stringify(toItems(planned))] }),
  );
  return rows.map(({ lag_ms: lagMs, ...fired }) => ({ ...fired, lagMs }));
}

/** Times of one task and priority share a dispatch. */
function toItems(planned: readonly PlannedFiring[]): Record<string, unknown>[] {
  const times = planned.flatMap(({ id, task, priority, times }) =>
    times.map((time) => ({ id, at: time, group: `${task} ${priority}` })),
  );
  const byId = Map.groupBy(
    assignDispatches(times, ({ group }) => group),
    ({ id }) => id,
  );
  return planned.map(({ id, revision, plannedFor, skipped, lastAt, nextAt, dueAt }) => ({
    id,
    revision,
    planned_for: plannedFor,
    times: (byId.get(id) ?? []).map(({ at, dispatchId }) => ({ at, dispatch_id: dispatchId })),
    skipped,
    last_at: lastAt,
    next_at: nextAt,
    due_at: dueAt,
  }));
}

/** The schedules that are still as they were planned for, and due. */
const DUE = `
  due as materialized (
    select s.id, s.settings ->> 'overlap' as overlap, s.held_for, s.settings -> 'payload' as payload, s.submission,
           s.due_at as was_due_at, g.times, g.skipped, g.last_at, g.next_at, g.due_at
      from jsonb_to_recordset($1::jsonb) as g (
             id text, revision bigint, planned_for timestamptz, times jsonb, skipped jsonb,
             last_at timestamptz, next_at timestamptz, due_at timestamptz)
      join errand.schedules s on s.id = g.id and s.revision = g.revision and date_trunc('milliseconds', s.next_at) = g.planned_for
     where s.due_at <= errand.schedule_now()
     order by s.id
       for no key update of s skip locked
  )`;

/**
 * The outcome of each time. `ran`: a backfill has submitted it already. The open run that a time must not
 * overlap is the oldest one.
 */
const DECIDED = `
  decided as materialized (
    select due.id, time.at, time.dispatch_id, open.task_id,
           case
             when exists (select
                            from errand.schedule_runs r
                           where (r.schedule_id, r.scheduled_for, r.outcome) = (due.id, time.at, 'submitted')) then 'ran'
             when due.overlap = 'allow' or (open.task_id is null and due.held_for is null) then 'submit'
             when due.overlap = 'cancel_running' or (due.overlap = 'queue_one' and due.held_for is null) then 'hold'
             else 'overlap'
           end as decision
      from due
     cross join lateral jsonb_to_recordset(due.times) as time (at timestamptz, dispatch_id uuid)
      left join lateral (
             select t.id as task_id
               from errand.tasks t
              where t.schedule_id = due.id and t.finished_at is null and due.overlap <> 'allow'
              order by t.id
              limit 1
           ) open on true
  )`;

/** Submits the tasks of `submitting`: relations with id, at, dispatch_id, payload and submission. */
export const SUBMITTED = `
  items as materialized (
    select jsonb_agg(i.submission || jsonb_build_object(
             'payload', i.payload,
             'dispatch_id', i.dispatch_id,
             'scheduled_for', i.at,
             'dedup_key', i.id || ' ' || errand.iso_time(i.at)) order by i.id, i.at) as items,
           array_agg(i.id order by i.id, i.at) as ids,
           array_agg(i.at order by i.id, i.at) as times
      from submitting i
    having count(*) > 0
  ),
  submitted as materialized (
    select items.ids[s.ordinal] as id, items.times[s.ordinal] as at, (s.task).id as task_id
      from items
     cross join lateral errand.submit_tasks(items.items) s
  )`;

const SUBMITTING = `
  submitting as materialized (
    select due.id, due.payload, due.submission, d.at, d.dispatch_id
      from decided d
      join due using (id)
     where d.decision = 'submit'
  )`;

/** A row for each time that is decided now; a held one gets its row when it ends to be held. */
const RECORDED = `
  recorded as (
    insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason, until, times, task_id)
    select id, at, 'submitted', null, null::timestamptz, null::integer, task_id from submitted
     union all
    select id, at, 'skipped', 'overlap', null, null, task_id from decided where decision = 'overlap'
     union all
    select due.id, due.held_for, 'skipped', 'replaced', null, null, null
      from due
     where due.held_for is not null and due.overlap = 'cancel_running'
       and exists (select from decided d where d.id = due.id and d.decision = 'hold')
     union all
    select due.id, (due.skipped ->> 'from')::timestamptz, 'skipped', 'missed',
           (due.skipped ->> 'until')::timestamptz, (due.skipped ->> 'count')::integer, null
      from due
     where jsonb_typeof(due.skipped) = 'object'
    on conflict do nothing
  )`;

const MOVED = `
  moved as (
    update errand.schedules s
       set revision = s.revision + 1,
           last_at = greatest(s.last_at, due.last_at),
           next_at = due.next_at,
           due_at = due.due_at,
           held_for = coalesce((select max(d.at) from decided d where d.id = due.id and d.decision = 'hold'), s.held_for)
      from due
     where s.id = due.id
    returning s.id
  )`;

const FIRE = `
  with ${DUE}, ${DECIDED}, ${SUBMITTING}, ${SUBMITTED}, ${RECORDED}, ${MOVED}
  select due.id,
         extract(epoch from errand.schedule_now() - due.was_due_at)::float8 * 1000 as lag_ms,
         coalesce((select jsonb_object_agg(counted.decision, counted.count)
                     from (select d.decision, count(*) from decided d where d.id = due.id group by 1) counted), '{}') as decisions,
         due.held_for is not null and due.overlap = 'cancel_running'
           and exists (select from decided d where d.id = due.id and d.decision = 'hold') as replaced
    from due
    join moved using (id)`;
