import type { ErrorRecord } from '../core/errors.ts';
import { assignRings } from '../core/rings.ts';
import { OPEN, STARTABLE } from '../core/states.ts';
import type { Database } from './pool.ts';

type OfAttempt = { id: string; name: string; priority: number; attempt: number; durationMs: number };

/** How an attempt ended, as the runner saw it. What the task becomes is decided by the ledger. */
export type Outcome = OfAttempt &
  (
    | { kind: 'succeeded'; result: unknown }
    /** `retryInMs` is null when trying again will not help. */
    | { kind: 'failed'; error: ErrorRecord; retryInMs: number | null }
    /** The runner had to stop first: it is no failure, and costs no attempt of the budget. */
    | { kind: 'interrupted'; error: ErrorRecord }
  );

/** `fenced`: the runner is no longer live, nothing was recorded, and it must leave. */
export type Recorded = { fenced: boolean; ids: Set<string> };

/** Retries that fall due within this time of each other share a ring. */
const RETRY_BUCKET_MS = 250;

/**
 * Records the outcomes of many attempts in one statement: fence, compare-and-swap on (task, attempt), result or
 * error, attempt rows of what did not succeed, rings of what is tried again. `ids` are the tasks for which the
 * outcome counted; for the others somebody else was faster (cancelled, recovered), and nothing changed.
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
    values: [runnerId, JSON.stringify(ringed.map(toColumns)), OPEN],
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
             id uuid, attempt integer, kind text, result jsonb, error jsonb,
             duration_ms float8, next_in_ms float8, ring uuid)
  ),
  recorded as (
    update errand.tasks t
       set (state, attempt, max_attempts, ring, run_at, started_at, finished_at, runner_id, result, error) = (
             -- Done: succeeded, not worth retrying, or out of attempts.
             select case when g.kind = 'succeeded' then 'succeeded' else 'failed' end,
                    t.attempt, t.max_attempts, null::uuid, t.run_at,
                    now() - make_interval(secs => g.duration_ms / 1000), now(), fence.id,
                    g.result, g.error
              where g.next_in_ms is null or (g.kind = 'failed' and t.attempt >= t.max_attempts)
             union all
             -- Again: the next attempt gets a ring of its own. An interruption costs no attempt of the budget.
             select case when g.kind = 'interrupted' then 'queued' else 'retrying' end,
                    t.attempt + 1, t.max_attempts + (g.kind = 'interrupted')::integer, g.ring,
                    now() + make_interval(secs => g.next_in_ms / 1000),
                    null::timestamptz, null::timestamptz, null::integer,
                    null::jsonb, case when g.kind = 'failed' then g.error end
              where not (g.next_in_ms is null or (g.kind = 'failed' and t.attempt >= t.max_attempts))
           )
      from given g
     cross join fence
     where t.id = g.id and t.attempt = g.attempt and t.state = any ($3)
    returning t.id, t.name, t.priority, t.ring, t.run_at,
              g.attempt, g.kind, g.error, g.duration_ms
  ),
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select r.id, r.attempt, r.kind, $1, now() - make_interval(secs => r.duration_ms / 1000), now(), r.error
      from recorded r
     where r.kind <> 'succeeded'
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
  if (outcome.kind === 'succeeded') return null;
  if (outcome.kind === 'interrupted') return 0;
  if (outcome.retryInMs === null) return null;
  return Math.ceil(outcome.retryInMs / RETRY_BUCKET_MS) * RETRY_BUCKET_MS;
}

function toColumns(outcome: Outcome & { ring: string }): Record<string, unknown> {
  return {
    id: outcome.id,
    attempt: outcome.attempt,
    kind: outcome.kind,
    result: outcome.kind === 'succeeded' ? outcome.result : null,
    error: outcome.kind === 'succeeded' ? null : outcome.error,
    duration_ms: outcome.durationMs,
    next_in_ms: nextInMs(outcome),
    ring: outcome.ring,
  };
}

/** An attempt that is under way, and for how long already. */
export type RunningAttempt = { id: string; attempt: number; elapsedMs: number };

/**
 * Shows attempts as running that have not ended after a moment; short ones never cost this write. Their outcome
 * may be recorded before or after it, in any order.
 */
export async function markRunning(
  database: Database,
  runnerId: number,
  attempts: RunningAttempt[],
): Promise<void> {
  await database.query({
    name: 'mark_running',
    text: `
      with fence as materialized (
        select id from errand.runners where id = $1 and ended_at is null for key share
      )
      update errand.tasks t
         set state = 'running',
             started_at = now() - make_interval(secs => g.elapsed_ms / 1000),
             runner_id = fence.id
        from jsonb_to_recordset($2::jsonb) as g (id uuid, attempt integer, elapsed_ms float8)
       cross join fence
       where t.id = g.id and t.attempt = g.attempt and t.state = any ($3)`,
    values: [
      runnerId,
      JSON.stringify(attempts.map(({ id, attempt, elapsedMs }) => ({ id, attempt, elapsed_ms: elapsedMs }))),
      STARTABLE,
    ],
  });
}
