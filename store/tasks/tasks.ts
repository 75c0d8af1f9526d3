import type { ErrorRecord } from '../../core/errors.ts';
import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** A task as on the wire. Times are ISO 8601. */
export type Task = {
  id: string;
  name: string;
  namespace: string;
  version: string;
  state: State;
  priority: number;
  attempt: number;
  max_attempts: number;
  created_at: string;
  run_at: string;
  /** When it ends as `expired` unless it starts; null if it does not expire, or has started. */
  expires_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  runner_id: number | null;
  /** How often its runner died while it ran. */
  crashes: number;
  cancel_requested_at: string | null;
  /** The progress that the handler reported, from 0 to 1. */
  progress: number | null;
  progress_note: string | null;
  payload: unknown;
  result: unknown;
  error: ErrorRecord | null;
  dedup: 'payload' | 'key' | 'idempotency_key' | 'schedule' | 'debounce' | 'throttle' | null;
  dedup_key: string | null;
  /** How many later submissions have replaced its payload; null if it is not debounced. */
  debounced: number | null;
  /** The key of the limits with keys that its submission gave. */
  concurrency_key: string | null;
  /** How long an attempt may take, if its submission says so; null: as its policy says. */
  timeout_seconds: number | null;
  tags: string[];
  initiator: string | null;
  /**
   * The principal that submitted it, as Errand knows it; null for a task that is older than this
   * column.
   */
  submitted_by: string | null;
  source_system: string | null;
  reason: string | null;
  request_id: string | null;
  traceparent: string | null;
  /** The URL that is notified of its end. */
  callback_url: string | null;
  /** The task whose step or child it is. */
  parent_id: string | null;
  /** Its name in the graph of its workflow. */
  step: string | null;
  /** Whether its condition did not hold, so that it was not run. */
  skipped: boolean;
  /** How many steps or other children it has; null if none. */
  children: number | null;
  /** When an operator dismissed its failure; null if it needs somebody, or has not failed. */
  dismissed_at: string | null;
  /** The task that replaces it. */
  resubmitted_as: string | null;
  /** The task that it replaces. */
  resubmission_of: string | null;
  /** The schedule that submitted it. */
  schedule_id: string | null;
  /** The time of that schedule that it stands for. A step has the time of its workflow. */
  scheduled_for: string | null;
};

/** One execution of a task by a runner, as on the wire. */
export type Attempt = {
  attempt: number;
  outcome: 'running' | 'succeeded' | 'failed' | 'interrupted' | 'crashed' | 'timed_out' | 'cancelled';
  runner: { id: number; host: string; pid: number } | null;
  started_at: string | null;
  finished_at: string | null;
  error: ErrorRecord | null;
};

/** A task in a list, without payload and result, which may be megabytes. */
export type TaskSummary = Omit<Task, 'payload' | 'result'>;

/**
 * Whether the failure of a task called `t` still needs somebody. The indexes of error groups have the
 * same condition, so every statement that uses them has this text.
 */
export const NOT_DISMISSED = '(t.dismissed_at >= t.finished_at) is not true';

/** The SQL of each column of a summary, from a relation called `t`. The id contains the creation time. */
export const SUMMARY_SQL: { [column in keyof TaskSummary]: string } = {
  id: 't.id',
  name: 't.name',
  namespace: "split_part(t.name, '.', 1)",
  version: 't.version',
  state: 't.state',
  priority: 't.priority',
  attempt: 't.attempt',
  max_attempts: 't.max_attempts',
  created_at: 'errand.uuid_time(t.id)',
  run_at: 't.run_at',
  expires_at: 't.expires_at',
  started_at: 't.started_at',
  finished_at: 't.finished_at',
  runner_id: 't.runner_id',
  error: 't.error',
  crashes: 't.crashes',
  cancel_requested_at: 't.cancel_requested_at',
  progress: 't.progress',
  progress_note: 't.progress_note',
  dedup: 't.dedup',
  dedup_key: 't.dedup_key',
  debounced: 't.debounced',
  concurrency_key: 't.concurrency_key',
  timeout_seconds: 't.timeout_ms / 1000.0::float8',
  tags: 't.tags',
  initiator: 't.initiator',
  submitted_by: 't.submitted_by',
  source_system: 't.source_system',
  reason: 't.reason',
  request_id: 't.request_id',
  traceparent: 't.traceparent',
  callback_url: 't.callback_url',
  parent_id: 't.parent_id',
  step: 't.step',
  skipped: 't.skipped',
  children: 't.children',
  dismissed_at: 'case when t.dismissed_at >= t.finished_at then t.dismissed_at end',
  resubmitted_as: 't.resubmitted_as',
  resubmission_of: 't.resubmission_of',
  schedule_id: 't.schedule_id',
  scheduled_for: 't.scheduled_for',
};

/** The columns of `TaskSummary`, from a relation called `t`. */
export const SUMMARY_COLUMNS = Object.entries(SUMMARY_SQL)
  .map(([column, sql]) => `${sql} as ${column}`)
  .join(', ');

/**
 * The payload without secrets, for display; execution reads it elsewhere. The function is called
 * only for tasks whose payload it may change: Postgres cannot inline it, and its setup took a sixth
 * of the time of submitting 15 tasks.
 */
export const SHOWN_PAYLOAD = `
  case when t.name = 'http.request' then errand.shown_payload(t.name, t.payload) else t.payload end`;

/** The columns of `Task`, from a relation called `t`. */
export const TASK_COLUMNS = `${SUMMARY_COLUMNS}, ${SHOWN_PAYLOAD} as payload, t.result`;

/** One task by its id, or null if there is none that the caller may see. */
export async function getTask(
  database: Database,
  id: string,
  visibility: Visibility = null,
): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'get_task',
    text: `select ${TASK_COLUMNS} from errand.tasks t where t.id = $1 and ${isVisible('$2', '$3')}`,
    values: [id, ...visibilityValues(visibility)],
  });
  return rows[0] ?? null;
}

/**
 * The name of a task, or null if there is none with this id that the caller may see. Uses the
 * primary key.
 */
export async function getName(
  database: Database,
  id: string,
  visibility: Visibility,
): Promise<string | null> {
  const { rows } = await database.query<{ name: string }>({
    name: 'get_name',
    text: `select t.name from errand.tasks t where t.id = $1 and ${isVisible('$2', '$3')}`,
    values: [id, ...visibilityValues(visibility)],
  });
  return rows[0]?.name ?? null;
}

/** The state of a task, or null if there is none with this id that the caller may see. */
export async function getState(
  database: Database,
  id: string,
  visibility: Visibility = null,
): Promise<State | null> {
  const { rows } = await database.query<{ state: State }>({
    name: 'get_state',
    text: `select t.state from errand.tasks t where t.id = $1 and ${isVisible('$2', '$3')}`,
    values: [id, ...visibilityValues(visibility)],
  });
  return rows[0]?.state ?? null;
}

/**
 * A running or succeeded attempt is in the row of the task itself, so that most tasks need no
 * second row.
 */
const ATTEMPTS = `
  select a.attempt, a.outcome, a.runner_id, a.started_at, a.finished_at, a.error
    from errand.attempts a
   where a.task_id = $1
   union all
  select t.attempt, t.state, t.runner_id, t.started_at, t.finished_at, null
    from errand.tasks t
   where t.id = $1 and t.state in ('running', 'succeeded')`;

/**
 * How many attempts a task has had, including a running one. Uses the primary key of
 * errand.attempts.
 */
export async function countAttempts(database: Database, taskId: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>({
    name: 'count_attempts',
    text: `select count(*) as count from (${ATTEMPTS}) every`,
    values: [taskId],
  });
  return rows[0]?.count ?? 0;
}

/**
 * The attempts of a task, first to last: the last `limit` before the attempt numbered `before`, or
 * of all. Uses the primary key of errand.attempts.
 */
export async function listAttempts(
  database: Database,
  taskId: string,
  { before = null, limit = null }: { before?: number | null; limit?: number | null } = {},
): Promise<Attempt[]> {
  type Row = Omit<Attempt, 'runner'> & { runner_id: number | null; host: string | null; pid: number | null };
  const { rows } = await database.query<Row>({
    name: 'list_attempts',
    text: `
      with page as (
        select * from (${ATTEMPTS}) every
         where $2::integer is null or attempt < $2
         order by attempt desc
         limit $3
      )
      select page.*, runners.host, runners.pid
        from page
        left join errand.runners on runners.id = page.runner_id
       order by page.attempt`,
    values: [taskId, before, limit],
  });
  return rows.map(({ runner_id, host, pid, ...attempt }) => ({
    ...attempt,
    runner: runner_id === null ? null : { id: runner_id, host: host ?? 'unknown', pid: pid ?? 0 },
  }));
}
