import { STARTABLE } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';

/**
 * A line that a handler logged. `at` is ISO 8601 by the clock of the runner. The stored time is by
 * Postgres's clock: the statement also has the runner's time at which it was sent.
 */
export type LogLine = {
  level: string;
  message: string;
  fields: Record<string, unknown> | null;
  at: string;
};

/** The progress of an attempt, from 0 to 1. */
export type Progress = { fraction: number; note: string | null };

/** A report of a running attempt. */
export type RunningReport = {
  id: string;
  /** The dispatch that the attempt runs for. */
  dispatchId: string;
  attempt: number;
  elapsedMs: number;
  lines: LogLine[];
  progress: Progress | null;
};

/**
 * Shows attempts as running, with their log lines and progress. These are attempts that have not
 * ended after a moment, so that short ones never cost this write, and attempts that may kill their
 * runner, before they start. Gives the ids of the attempts that are still the runner's; for others
 * (cancelled, expired, taken over) nothing is written. A task whose start is written expires no more. Only one report of a task may run at a time, and none
 * together with its outcome, because lines are numbered after the last one.
 */
export async function reportRunning(
  database: Database,
  runnerId: number,
  reports: RunningReport[],
): Promise<Set<string>> {
  const { rows } = await database.query<{ id: string }>({
    name: 'report_running',
    text: `
      with fence as materialized (
        select id from errand.runners where id = $1 and ended_at is null for key share
      ),
      marked as (
        update errand.tasks t
           set state = 'running',
               started_at = coalesce(t.started_at, now() - make_interval(secs => g.elapsed_ms / 1000)),
               runner_id = fence.id,
               expires_at = null,
               progress = coalesce(g.progress, t.progress),
               progress_note = coalesce(g.progress_note, t.progress_note)
          from jsonb_to_recordset($2::jsonb) as g (
                 id uuid, dispatch_id uuid, attempt integer, elapsed_ms float8, lines jsonb, progress real, progress_note text)
         cross join fence
         where t.id = g.id and t.attempt = g.attempt and t.dispatch_id = g.dispatch_id
           -- By the primary key, whatever the planner thinks of the states.
           and ((t.state = any ($3)) is true and (t.expires_at is null or t.expires_at > now())
                or t.state = 'running' and t.runner_id = fence.id)
        returning t.id, t.attempt, g.lines
      ),${appendLines('marked')}
      select id from marked`,
    values: [runnerId, JSON.stringify(inOrder(reports).map(toColumns)), STARTABLE, new Date().toISOString()],
  });
  return new Set(rows.map((row) => row.id));
}

/** By id, in which order a cancellation locks tasks, too: otherwise the two could deadlock. */
function inOrder(reports: RunningReport[]): RunningReport[] {
  return reports.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

function toColumns(report: RunningReport): Record<string, unknown> {
  return {
    id: report.id,
    dispatch_id: report.dispatchId,
    attempt: report.attempt,
    elapsed_ms: report.elapsedMs,
    lines: report.lines.length > 0 ? report.lines : undefined,
    progress: report.progress?.fraction,
    progress_note: report.progress?.note,
  };
}

/**
 * The part `logged` of a statement that writes outcomes or reports: it appends the log lines of the
 * relation `from`, with the columns id, attempt and lines, after the last line of each task. The
 * parameter $4 is the time of the runner at the statement: times of lines are corrected by Postgres's
 * clock. One statement per task may do this at a time, because it numbers the lines.
 */
export function appendLines(from: string): string {
  return `
  logged as (
    insert into errand.logs (task_id, seq, attempt, level, message, fields, at)
    select t.id,
           coalesce((select max(l.seq) from errand.logs l where l.task_id = t.id), 0) + line.number,
           t.attempt, line.level, line.message, line.fields, line.at + (now() - $4::timestamptz)
      from ${from} t
     cross join lateral errand.log_lines(t.lines) line
     where t.lines is not null
  )`;
}
