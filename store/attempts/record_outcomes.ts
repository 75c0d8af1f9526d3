import { freeSlotsOf } from '../limits/slots.ts';
import { addDispatches } from '../submit/add_dispatches.ts';
import { appendLines } from './running.ts';

// The parts of the statement of recordOutcomes. $1 is the runner, $2 the outcomes, $3 the open
// states, $4 the runner's clock, $5 the names that may be handed off to the runner, and $6 up to how many.

/**
 * The fence: the runner, if it is still live. Recovery locks this row for update and ends it. So
 * the second of the two waits, and then sees the first.
 */
const FENCE = `
  fence as materialized (
    select id from errand.runners where id = $1 and ended_at is null for key share
  )`;

/** The outcomes as rows. */
const GIVEN = `
  given as materialized (
    select *
      from jsonb_to_recordset($2::jsonb) as o (
             id uuid, dispatch_id uuid, attempt integer, kind text, result jsonb, error jsonb, duration_ms float8,
             next_in_ms float8, next_dispatch_id uuid, lines jsonb, progress real, progress_note text,
             parent_id uuid, skipped boolean, release text, children integer, submissions jsonb,
             slots_id uuid, slots_dispatch_id uuid, ending text)
  )`;

/**
 * Locks parents before their children, in the order of their ids, so that two statements that end
 * children do not deadlock.
 */
const PARENTS = `
  parents as materialized (
    select id
      from errand.tasks
     where id in (select parent_id from given where parent_id is not null)
     order by id
       for no key update
  )`;

/**
 * The new state of each task. It is a compare-and-swap: only the attempt that ran, for the dispatch
 * that it ran for, changes its task.
 */
const RECORDED = `
  recorded as (
    update errand.tasks t
       set progress = coalesce(g.progress, t.progress),
           progress_note = coalesce(g.progress_note, t.progress_note),
           skipped = coalesce(g.skipped, t.skipped),
           -- A task that was cancelled meanwhile gets none: a retry makes them.
           children = case when t.cancel_requested_at is null then coalesce(g.children, t.children) else t.children end,
           (state, attempt, max_attempts, dispatch_id, run_at, started_at, finished_at, runner_id, result, error, pending) = (
             select becomes.*
               from (select g.next_in_ms is not null and t.cancel_requested_at is null
                            and (g.kind = 'interrupted' or t.attempt < t.max_attempts) as is_due,
                            g.kind = 'continued' and t.cancel_requested_at is null as goes_on) again
              cross join lateral (
                -- It has ended: succeeded, cancelled, not worth retrying, or out of attempts.
                select case
                         when g.kind = 'succeeded' then 'succeeded'
                         when g.kind = 'cancelled' or t.cancel_requested_at is not null then 'cancelled'
                         else 'failed'
                       end,
                       t.attempt, t.max_attempts, null::uuid, t.run_at,
                       coalesce(case when t.children > 0 then t.started_at end,
                                now() - make_interval(secs => g.duration_ms / 1000)), now(), fence.id,
                       g.result,
                       -- A limit asked for its end, and says why.
                       case when t.cancel_requested_at is not null and g.kind <> 'succeeded' and t.error ->> 'error_code' = 'REPLACED'
                            then t.error else g.error end,
                       0
                 where not again.is_due and not again.goes_on
                union all
                -- It is retried: the next attempt gets a new dispatch. An interruption costs no
                -- attempt.
                select case when g.kind <> 'interrupted' then 'retrying' when g.next_in_ms > 0 then 'scheduled' else 'queued' end,
                       t.attempt + 1, t.max_attempts + (g.kind = 'interrupted')::integer, g.next_dispatch_id,
                       now() + make_interval(secs => g.next_in_ms / 1000),
                       case when t.children > 0 then t.started_at end, null::timestamptz, null::integer,
                       null::jsonb, case when g.kind <> 'interrupted' then g.error end, 0
                 where again.is_due
                union all
                -- The same attempt continues when its children have ended.
                select 'running', t.attempt, t.max_attempts, null::uuid, t.run_at,
                       coalesce(t.started_at, now() - make_interval(secs => g.duration_ms / 1000)),
                       null::timestamptz, null::integer, null::jsonb, null::jsonb, coalesce(g.children, 1)
                 where again.goes_on
              ) becomes
           )
      from given g
     cross join fence
     -- The dispatch is compared too: a task that was cancelled and submitted again at once has the
     -- same attempt number.
     where t.id = g.id and t.attempt = g.attempt and t.dispatch_id = g.dispatch_id
       -- By the primary key, whatever the planner thinks of the states.
       and (t.state = any ($3)) is true
       and (select count(*) from parents) >= 0 -- makes Postgres lock them before
    returning t.id, t.name, t.priority, t.dispatch_id, t.run_at, t.state, t.finished_at, t.parent_id, t.step, t.children,
              t.schedule_id, g.attempt, g.kind, g.error, g.duration_ms, g.lines, g.release, g.submissions, g.ending
  )`;

/** The step that waits for a failure: a failure has happened, or cannot happen any more. */
const RELEASED = `
  released as (
    update errand.tasks t
       set state = case when r.state = 'running' then 'queued' else 'succeeded' end,
           skipped = r.state = 'succeeded',
           dispatch_id = case when r.state = 'running' then gen_random_uuid() end,
           run_at = now(),
           finished_at = case when r.state = 'succeeded' then now() end,
           pending = 0
      from recorded r
     where r.children > 0
       and (r.state = 'running' and r.release is not null or r.state = 'succeeded')
       and t.parent_id = r.id and t.state = 'waiting' and t.step = coalesce(r.release, 'on_failure')
    returning t.id, t.name, t.priority, t.dispatch_id, t.run_at
  )`;

/** The steps that wait for a child that has ended, and its parent. */
const UNBLOCKED = `
  unblocked as materialized (
    select of.held, of.ended
      from (select array_agg(r.parent_id order by r.id) as parents, array_agg(r.step order by r.id) as steps,
                   array_agg(r.state = 'succeeded' order by r.id) as satisfied,
                   array_agg(case when r.state = 'succeeded' then r.ending end order by r.id) as endings
              from recorded r
             where r.parent_id is not null and r.finished_at is not null
            having count(*) > 0) ready
     cross join lateral errand.hand_off_dependents(
       ready.parents, ready.steps, ready.satisfied, ready.endings, $1, $5::text[], $6::integer) of
  )`;

/** Follow-ups and children are submitted in the same transaction, so none is lost or repeated. */
const SUBMITTED = `
  submitted as (
    select count(*)
      from (select jsonb_agg(item) as items
              from recorded r
             cross join lateral jsonb_array_elements(r.submissions) item
             where r.state in ('succeeded', 'running')
            having count(*) > 0) every
     cross join lateral errand.submit_tasks(every.items)
  )`;

/** A row for each unsuccessful attempt. The successful one is in the row of its task. */
const ENDED = `
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select r.id, r.attempt, case r.kind when 'continued' then r.state else r.kind end, $1,
           now() - make_interval(secs => r.duration_ms / 1000), now(), r.error
      from recorded r
     where r.kind not in ('succeeded', 'continued') or r.kind = 'continued' and r.state = 'cancelled'
  )`;

/** The last log lines. */
const LOGGED = appendLines('recorded');

/** The dispatches of retries and released steps. */
const DISPATCHED = addDispatches(`(select id, name, priority, dispatch_id, run_at from recorded
             union all
            select id, name, priority, dispatch_id, run_at from released) due
     where dispatch_id is not null`);

/** The slots of the attempts. */
const FREED = freeSlotsOf(
  '(select slots_id as id, slots_dispatch_id as dispatch_id from given) g where g.id is not null',
  ['recorded', 'released', 'unblocked', 'submitted', 'dispatched'],
);

/** It reads the parts that are SELECTs, so that Postgres runs them. */
const RESULT = `
  select exists (select from fence) as live,
         coalesce((select array_agg(id) from recorded), '{}') as ids,
         (select array_agg(name)
            from recorded
           where schedule_id is not null and parent_id is null and state = 'failed') as failed,
         (select held from unblocked) as held, (select ended from unblocked) as ended,
         (select count(*) from dispatched) + (select count(*) from submitted) as done`;

const PARTS = [FENCE, GIVEN, PARENTS, RECORDED, RELEASED, UNBLOCKED, SUBMITTED, ENDED, LOGGED, DISPATCHED];

const WITHOUT_SLOTS = { name: 'record_outcomes', text: `with ${PARTS.join(',')} ${RESULT}` };
const WITH_SLOTS = {
  name: 'record_outcomes_with_slots',
  text: `with ${[...PARTS, FREED].join(',')} ${RESULT}, (select count(*) from freed) as freed`,
};

/** The complete statement; with a part that frees slots only if some attempt has any. */
export function recordStatement(hasSlots: boolean): { name: string; text: string } {
  return hasSlots ? WITH_SLOTS : WITHOUT_SLOTS;
}
