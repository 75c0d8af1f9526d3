import type { ErrorRecord } from '../../core/errors.ts';
import type { State } from '../../core/states.ts';
import { isoTime } from '../database/iso_time.ts';
import type { Database } from '../database/pool.ts';
import type { Attempt } from './tasks.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** The state of a task in its event stream. */
export type Standing = {
  id: string;
  name: string;
  state: State;
  attempt: number;
  max_attempts: number;
  run_at: string;
  started_at: string | null;
  finished_at: string | null;
  cancel_requested_at: string | null;
  progress: number | null;
  progress_note: string | null;
  error: ErrorRecord | null;
};

/** An attempt that ended without success. */
export type EndedAttempt = Pick<Attempt, 'attempt' | 'outcome' | 'started_at' | 'finished_at' | 'error'>;

/** The unsuccessful attempts of a task from a given one on, and its current state. */
export type History = { standing: Standing; ended: EndedAttempt[]; hasMore: boolean };

/** The number of attempts in one page. */
const PAGE = 100;

/**
 * The history of a task from the attempt numbered `from`, in one snapshot. Null if there is no such
 * task that the caller may see. Uses the primary key of errand.attempts.
 */
export async function readHistory(
  database: Database,
  id: string,
  from: number,
  visibility: Visibility = null,
): Promise<History | null> {
  const { rows } = await database.query<Standing & { ended: EndedAttempt[] }>({
    name: 'read_history',
    text: `
      select t.id, t.name, t.state, t.attempt, t.max_attempts, t.run_at, t.started_at, t.finished_at,
             t.cancel_requested_at, t.progress, t.progress_note, t.error,
             array(select json_build_object('attempt', a.attempt, 'outcome', a.outcome, 'started_at', a.started_at,
                                            'finished_at', a.finished_at, 'error', a.error)
                     from errand.attempts a
                    where a.task_id = t.id and a.attempt >= $2
                    order by a.attempt
                    limit ${PAGE}) as ended
        from errand.tasks t
       where t.id = $1 and ${isVisible('$3', '$4')}`,
    values: [id, from, ...visibilityValues(visibility)],
  });
  const [row] = rows;
  if (row === undefined) return null;
  const { ended, ...standing } = row;
  return { standing, ended: ended.map(withUtcTimes), hasMore: ended.length === PAGE };
}

function withUtcTimes(attempt: EndedAttempt): EndedAttempt {
  const utc = (time: string | null): string | null => (time === null ? null : isoTime(time));
  return { ...attempt, started_at: utc(attempt.started_at), finished_at: utc(attempt.finished_at) };
}
