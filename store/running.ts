import { STARTABLE } from '../core/states.ts';
import type { Database } from './pool.ts';

/**
 * A line that a handler logged; `at` is ISO 8601, by the clock of the runner. What is stored is by Postgres's: a
 * statement also tells when, by the runner's clock, it was sent.
 */
export type LogLine = {
  level: string;
  message: string;
  fields: Record<string, unknown> | null;
  at: string;
};

/** How far an attempt is, from 0 to 1. */
export type Progress = { fraction: number; note: string | null };

/** What is to be shown of an attempt under way. */
export type RunningReport = {
  id: string;
  /** The ring that the attempt runs for. */
  ranFor: string;
  attempt: number;
  elapsedMs: number;
  lines: LogLine[];
  progress: Progress | null;
};

/**
 * Shows attempts as running, with what they logged and how far they are: those that have not ended after a
 * moment, so that short ones never cost this write, and those that may kill their runner, before they start.
 * Gives the ids of the attempts that are still their runner's; of the others (cancelled, taken over) nothing is
 * written. One report of a task at a time, and none beside its outcome: its lines are numbered from the last.
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
               progress = coalesce(g.progress, t.progress),
               progress_note = coalesce(g.progress_note, t.progress_note)
          from jsonb_to_recordset($2::jsonb) as g (
                 id uuid, ran_for uuid, attempt integer, elapsed_ms float8, lines jsonb, progress real, progress_note text)
         cross join fence
         where t.id = g.id and t.attempt = g.attempt and t.ring = g.ran_for
           and (t.state = any ($3) or (t.state = 'running' and t.runner_id = fence.id))
        returning t.id, t.attempt, g.lines
      ),
      logged as (
        insert into errand.logs (task_id, seq, attempt, level, message, fields, at)
        select m.id,
               coalesce((select max(l.seq) from errand.logs l where l.task_id = m.id), 0) + line.number,
               m.attempt, line.level, line.message, line.fields, line.at + (now() - $4::timestamptz)
          from marked m
         cross join lateral errand.log_lines(m.lines) line
         where m.lines is not null
      )
      select id from marked`,
    values: [runnerId, JSON.stringify(reports.map(toColumns)), STARTABLE, new Date().toISOString()],
  });
  return new Set(rows.map((row) => row.id));
}

function toColumns(report: RunningReport): Record<string, unknown> {
  return {
    id: report.id,
    ran_for: report.ranFor,
    attempt: report.attempt,
    elapsed_ms: report.elapsedMs,
    lines: report.lines.length > 0 ? report.lines : undefined,
    progress: report.progress?.fraction,
    progress_note: report.progress?.note,
  };
}
