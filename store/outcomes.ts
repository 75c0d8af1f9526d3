import type { ErrorRecord } from '../core/errors.ts';
import { assignRings } from '../core/rings.ts';
import { OPEN } from '../core/states.ts';
import type { Database } from './pool.ts';
import type { LogLine, Progress } from './running.ts';

type OfAttempt = {
  id: string;
  /** The ring that the attempt ran for. */
  ranFor: string;
  name: string;
  priority: number;
  attempt: number;
  durationMs: number;
  /** What the handler logged and told of its progress, and that is not written yet. */
  lines: LogLine[];
  progress: Progress | null;
};

/** How an attempt ended, as the runner saw it. What the task becomes is decided by the ledger. */
export type Outcome = OfAttempt &
  (
    | { kind: 'succeeded'; result: unknown }
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
 * error, attempt rows of what did not succeed, the last log lines, rings of what is tried again. `ids` are the
 * tasks for which the outcome counted; for the others somebody else was faster (cancelled, recovered), and
 * nothing changed.
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
             next_in_ms float8, ring uuid, lines jsonb, progress real, progress_note text)
  ),
  recorded as (
    update errand.tasks t
       set progress = coalesce(g.progress, t.progress),
           progress_note = coalesce(g.progress_note, t.progress_note),
           (state, attempt, max_attempts, ring, run_at, started_at, finished_at, runner_id, result, error) = (
             select becomes.*
               from (select g.next_in_ms is not null and t.cancel_requested_at is null
                            and (g.kind = 'interrupted' or t.attempt < t.max_attempts) as is_due) again
              cross join lateral (
                -- Done: succeeded, cancelled, not worth retrying, or out of attempts.
                select case
                         when g.kind = 'succeeded' then 'succeeded'
                         when g.kind = 'cancelled' or t.cancel_requested_at is not null then 'cancelled'
                         else 'failed'
                       end,
                       t.attempt, t.max_attempts, null::uuid, t.run_at,
                       now() - make_interval(secs => g.duration_ms / 1000), now(), fence.id,
                       g.result, g.error
                 where not again.is_due
                union all
                -- Again: the next attempt gets a ring of its own. An interruption costs none of the budget.
                select case when g.kind = 'interrupted' then 'queued' else 'retrying' end,
                       t.attempt + 1, t.max_attempts + (g.kind = 'interrupted')::integer, g.ring,
                       now() + make_interval(secs => g.next_in_ms / 1000),
                       null::timestamptz, null::timestamptz, null::integer,
                       null::jsonb, case when g.kind <> 'interrupted' then g.error end
                 where again.is_due
              ) becomes
           )
      from given g
     cross join fence
     -- The ring, too: a task that was cancelled and submitted again at once is on the same attempt.
     where t.id = g.id and t.attempt = g.attempt and t.ring = g.ran_for and t.state = any ($3)
    returning t.id, t.name, t.priority, t.ring, t.run_at,
              g.attempt, g.kind, g.error, g.duration_ms, g.lines
  ),
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select r.id, r.attempt, r.kind, $1, now() - make_interval(secs => r.duration_ms / 1000), now(), r.error
      from recorded r
     where r.kind <> 'succeeded'
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
      from recorded
     where ring is not null
     group by ring, name, priority, run_at
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  )
  select exists (select from fence) as live,
         coalesce((select array_agg(id) from recorded), '{}') as ids,
         (select count(*) from rung) as rings`;

function nextInMs(outcome: Outcome): number | null {
  switch (outcome.kind) {
    case 'succeeded':
    case 'cancelled':
      return null;
    case 'interrupted':
      return 0;
    default:
      return outcome.retryInMs === null
        ? null
        : Math.ceil(outcome.retryInMs / RETRY_BUCKET_MS) * RETRY_BUCKET_MS;
  }
}

function toColumns(outcome: Outcome & { ring: string }): Record<string, unknown> {
  return {
    id: outcome.id,
    ran_for: outcome.ranFor,
    attempt: outcome.attempt,
    kind: outcome.kind,
    result: outcome.kind === 'succeeded' ? outcome.result : undefined,
    error: outcome.kind === 'succeeded' ? undefined : outcome.error,
    duration_ms: outcome.durationMs,
    next_in_ms: nextInMs(outcome),
    ring: outcome.ring,
    lines: outcome.lines.length > 0 ? outcome.lines : undefined,
    progress: outcome.progress?.fraction,
    progress_note: outcome.progress?.note,
  };
}
