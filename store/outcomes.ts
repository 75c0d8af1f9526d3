import type { ErrorRecord } from '../core/errors.ts';
import { assignRings } from '../core/rings.ts';
import { OPEN } from '../core/states.ts';
import type { Database } from './pool.ts';
import type { LogLine, Progress } from './running.ts';
import { type Submission, toItems } from './submit.ts';

export type OfAttempt = {
  id: string;
  /** The ring that the attempt ran for. */
  ranFor: string;
  name: string;
  priority: number;
  attempt: number;
  durationMs: number;
  /** The task whose step or child it is. */
  parentId: string | null;
  /** It has children, all of which have ended. */
  hasChildren: boolean;
  /** What the handler logged and told of its progress, and that is not written yet. */
  lines: LogLine[];
  progress: Progress | null;
};

/** How an attempt ended, as the runner saw it. What the task becomes is decided by the ledger. */
export type Outcome = OfAttempt &
  (
    | {
        kind: 'succeeded';
        /** JSON text. */
        result: string | null;
        /** Its condition did not hold, so it was not run. */
        skipped?: boolean;
        /** What the handler wants to be done next. */
        followUps?: Submission[];
      }
    /** It goes on when its children have ended: new ones, or a step of its graph that waits for this. */
    | { kind: 'continued'; children: Submission[] }
    | { kind: 'continued'; release: string }
    /** `retryInMs` is null when trying again will not help. */
    | { kind: 'failed' | 'timed_out'; error: ErrorRecord; retryInMs: number | null }
    /** Somebody asked for its end. */
    | { kind: 'cancelled'; error: ErrorRecord }
    /** The runner had to stop first: it is no failure, and costs no attempt of the budget. */
    | { kind: 'interrupted'; error: ErrorRecord }
  );

/** `fenced`: the runner is no longer live, nothing was recorded, and it must leave. */
export type Recorded = { fenced: boolean; ids: Set<string> };

/** Retries that fall due within this time of each other share a ring. */
const RETRY_BUCKET_MS = 250;

/**
 * Records the outcomes of many attempts in one statement: fence, compare-and-swap on (task, attempt, ring), result or
 * error, attempt rows of what did not succeed, the last log lines, rings of what is tried again, follow-ups and
 * children, and the steps that can begin now. `ids` are the tasks for which the outcome counted; for the others
 * somebody else was faster (cancelled, recovered), and nothing changed. Parents are locked first, see errand.settle.
 *
 * The crash at each line: before the commit nothing is recorded, the rings are still locked, and whoever
 * recovers them runs the attempts again; after it, their old rings are stale and are dropped when seen.
 */
export async function recordOutcomes(
  database: Database,
  runnerId: number,
  outcomes: Outcome[],
): Promise<Recorded> {
  const ringed = assignRings(
    outcomes,
    (outcome) => `${outcome.name} ${outcome.priority} ${nextInMs(outcome)}`,
  );
  const { rows } = await database.query<{ live: boolean; ids: string[] }>({
    name: 'record_outcomes',
    text: RECORD_OUTCOMES,
    values: [runnerId, JSON.stringify(ringed.map(toColumns)), OPEN, new Date().toISOString()],
  });
  const row = rows[0];
  return { fenced: row?.live !== true, ids: new Set(row?.ids) };
}

const RECORD_OUTCOMES = `
  with fence as materialized (
    -- Recovery locks this row for update and ends it: whoever comes second waits, and then sees the other.
    select id from errand.runners where id = $1 and ended_at is null for key share
  ),
  given as materialized (
    select *
      from jsonb_to_recordset($2::jsonb) as o (
             id uuid, ran_for uuid, attempt integer, kind text, result jsonb, error jsonb, duration_ms float8,
             next_in_ms float8, ring uuid, lines jsonb, progress real, progress_note text,
             parent_id uuid, skipped boolean, release text, children integer, submissions jsonb)
  ),
  parents as materialized (
    select id
      from errand.tasks
     where id in (select parent_id from given where parent_id is not null)
     order by id
       for no key update
  ),
  recorded as (
    update errand.tasks t
       set progress = coalesce(g.progress, t.progress),
           progress_note = coalesce(g.progress_note, t.progress_note),
           skipped = coalesce(g.skipped, t.skipped),
           -- One that was cancelled meanwhile has none: a retry makes them.
           children = case when t.cancel_requested_at is null then coalesce(g.children, t.children) else t.children end,
           (state, attempt, max_attempts, ring, run_at, started_at, finished_at, runner_id, result, error, pending) = (
             select becomes.*
               from (select g.next_in_ms is not null and t.cancel_requested_at is null
                            and (g.kind = 'interrupted' or t.attempt < t.max_attempts) as is_due,
                            g.kind = 'continued' and t.cancel_requested_at is null as goes_on) again
              cross join lateral (
                -- Done: succeeded, cancelled, not worth retrying, or out of attempts.
                select case
                         when g.kind = 'succeeded' then 'succeeded'
                         when g.kind = 'cancelled' or t.cancel_requested_at is not null then 'cancelled'
                         else 'failed'
                       end,
                       t.attempt, t.max_attempts, null::uuid, t.run_at,
                       coalesce(case when t.children > 0 then t.started_at end,
                                now() - make_interval(secs => g.duration_ms / 1000)), now(), fence.id,
                       g.result, g.error, 0
                 where not again.is_due and not again.goes_on
                union all
                -- Again: the next attempt gets a ring of its own. An interruption costs none of the budget.
                select case when g.kind = 'interrupted' then 'queued' else 'retrying' end,
                       t.attempt + 1, t.max_attempts + (g.kind = 'interrupted')::integer, g.ring,
                       now() + make_interval(secs => g.next_in_ms / 1000),
                       case when t.children > 0 then t.started_at end, null::timestamptz, null::integer,
                       null::jsonb, case when g.kind <> 'interrupted' then g.error end, 0
                 where again.is_due
                union all
                -- It is the same attempt that goes on when its children have ended.
                select 'running', t.attempt, t.max_attempts, null::uuid, t.run_at,
                       coalesce(t.started_at, now() - make_interval(secs => g.duration_ms / 1000)),
                       null::timestamptz, null::integer, null::jsonb, null::jsonb, coalesce(g.children, 1)
                 where again.goes_on
              ) becomes
           )
      from given g
     cross join fence
     -- The ring, too: a task that was cancelled and submitted again at once is on the same attempt.
     where t.id = g.id and t.attempt = g.attempt and t.ring = g.ran_for and t.state = any ($3)
       and (select count(*) from parents) >= 0 -- makes Postgres lock them before
    returning t.id, t.name, t.priority, t.ring, t.run_at, t.state, t.finished_at, t.parent_id, t.step, t.children,
              g.attempt, g.kind, g.error, g.duration_ms, g.lines, g.release, g.submissions
  ),
  -- A step that waits for a failure: there is one, or there will be none.
  released as (
    update errand.tasks t
       set state = case when r.state = 'running' then 'queued' else 'succeeded' end,
           skipped = r.state = 'succeeded',
           ring = case when r.state = 'running' then gen_random_uuid() end,
           run_at = now(),
           finished_at = case when r.state = 'succeeded' then now() end,
           pending = 0
      from recorded r
     where r.children > 0
       and (r.state = 'running' and r.release is not null or r.state = 'succeeded')
       and t.parent_id = r.id and t.state = 'waiting' and t.step = coalesce(r.release, 'on_failure')
    returning t.id, t.name, t.priority, t.ring, t.run_at
  ),
  settled as (
    select errand.settle(array_agg(r.parent_id order by r.id), array_agg(r.step order by r.id),
                         array_agg(r.state = 'succeeded' order by r.id))
      from recorded r
     where r.parent_id is not null and r.finished_at is not null
    having count(*) > 0
  ),
  submitted as (
    select count(*)
      from (select jsonb_agg(item) as items
              from recorded r
             cross join lateral jsonb_array_elements(r.submissions) item
             where r.state in ('succeeded', 'running')
            having count(*) > 0) every
     cross join lateral errand.submit_tasks(every.items)
  ),
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select r.id, r.attempt, case r.kind when 'continued' then r.state else r.kind end, $1,
           now() - make_interval(secs => r.duration_ms / 1000), now(), r.error
      from recorded r
     where r.kind not in ('succeeded', 'continued') or r.kind = 'continued' and r.state = 'cancelled'
  ),
  logged as (
    insert into errand.logs (task_id, seq, attempt, level, message, fields, at)
    select r.id,
           coalesce((select max(l.seq) from errand.logs l where l.task_id = r.id), 0) + line.number,
           r.attempt, line.level, line.message, line.fields, line.at + (now() - $4::timestamptz)
      from recorded r
     cross join lateral errand.log_lines(r.lines) line
     where r.lines is not null
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
      from (select id, name, priority, ring, run_at from recorded
             union all
            select id, name, priority, ring, run_at from released) due
     where ring is not null
     group by ring, name, priority, run_at
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  )
  select exists (select from fence) as live,
         coalesce((select array_agg(id) from recorded), '{}') as ids,
         (select count(*) from rung) + (select count(*) from settled) + (select count(*) from submitted) as done`;

function nextInMs(outcome: Outcome): number | null {
  if (outcome.kind === 'interrupted') return 0;
  if (outcome.kind !== 'failed' && outcome.kind !== 'timed_out') return null;
  const { retryInMs } = outcome;
  return retryInMs === null ? null : Math.ceil(retryInMs / RETRY_BUCKET_MS) * RETRY_BUCKET_MS;
}

function toColumns(outcome: Outcome & { ring: string }): Record<string, unknown> {
  return {
    id: outcome.id,
    ran_for: outcome.ranFor,
    attempt: outcome.attempt,
    kind: outcome.kind,
    result: outcome.kind === 'succeeded' ? JSON.parse(outcome.result ?? 'null') : undefined,
    error: 'error' in outcome ? outcome.error : undefined,
    duration_ms: outcome.durationMs,
    next_in_ms: nextInMs(outcome),
    ring: outcome.ring,
    lines: outcome.lines.length > 0 ? outcome.lines : undefined,
    progress: outcome.progress?.fraction,
    progress_note: outcome.progress?.note,
    parent_id: outcome.parentId,
    ...continuation(outcome),
  };
}

function continuation(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind === 'succeeded') {
    const { skipped, followUps = [] } = outcome;
    return { skipped, submissions: followUps.length > 0 ? toItems(followUps) : undefined };
  }
  if (outcome.kind !== 'continued') return {};
  if ('release' in outcome) return { release: outcome.release };
  return { children: outcome.children.length, submissions: toItems(outcome.children) };
}
