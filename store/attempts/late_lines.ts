import type { Database } from '../database/pool.ts';
import type { LogLine } from './running.ts';

/**
 * Adds a line to the log of an attempt that is over. It does so only if nothing else can be
 * numbering lines of the task: the outcome is recorded (the task names another dispatch, or none),
 * and the task has ended or its next attempt is not due yet. Gives whether the line was written.
 * Uses the primary key, and locks the row of the task, so a retry of it waits.
 */
export async function appendLateLine(
  database: Database,
  attempt: { id: string; dispatchId: string; attempt: number },
  line: LogLine,
): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'append_late_line',
    text: `
      with t as materialized (
        select id
          from errand.tasks
         where id = $1
           and dispatch_id is distinct from $2
           and (finished_at is not null or run_at > clock_timestamp() + interval '200 ms')
           for no key update
      )
      insert into errand.logs (task_id, seq, attempt, level, message, fields, at)
      select t.id, coalesce((select max(l.seq) from errand.logs l where l.task_id = t.id), 0) + 1, $3, $4, $5, $6, now()
        from t`,
    values: [attempt.id, attempt.dispatchId, attempt.attempt, line.level, line.message, line.fields],
  });
  return rowCount === 1;
}
