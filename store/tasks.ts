import type { ErrorRecord } from '../core/errors.ts';
import type { State } from '../core/states.ts';
import type { Database } from './pool.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** A task as the wire has it; times are ISO 8601. */
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
  started_at: string | null;
  finished_at: string | null;
  runner_id: number | null;
  /** How often its runner died under it. */
  crashes: number;
  cancel_requested_at: string | null;
  /** How far the handler says it is, from 0 to 1. */
  progress: number | null;
  progress_note: string | null;
  payload: unknown;
  result: unknown;
  error: ErrorRecord | null;
  dedup: 'payload' | 'key' | 'idempotency_key' | null;
  dedup_key: string | null;
  tags: string[];
  initiator: string | null;
  source_system: string | null;
  reason: string | null;
  request_id: string | null;
  traceparent: string | null;
  /** Where it is told how it ended. */
  callback_url: string | null;
  /** The task whose step or child it is. */
  parent_id: string | null;
  /** Its name in the graph of its workflow. */
  step: string | null;
  /** Its condition did not hold, so it was not run. */
  skipped: boolean;
  /** How many steps or other children it has; null for one that has none. */
  children: number | null;
};

/** One execution of a task by a runner, as the wire has it. */
export type Attempt = {
  attempt: number;
  outcome: 'running' | 'succeeded' | 'failed' | 'interrupted' | 'crashed' | 'timed_out' | 'cancelled';
  runner: { id: number; host: string; pid: number } | null;
  started_at: string | null;
  finished_at: string | null;
  error: ErrorRecord | null;
};

/** The columns of `Task` but payload and result, from a relation called `t`. The id tells when it was created. */
export const SUMMARY_COLUMNS = `
  t.id, t.name, split_part(t.name, '.', 1) as namespace, t.version, t.state, t.priority, t.attempt, t.max_attempts,
  uuid_extract_timestamp(t.id) as created_at, t.run_at, t.started_at, t.finished_at, t.runner_id, t.error,
  t.crashes, t.cancel_requested_at, t.progress, t.progress_note,
  t.dedup, t.dedup_key, t.tags, t.initiator, t.source_system, t.reason, t.request_id, t.traceparent,
  t.callback_url, t.parent_id, t.step, t.skipped, t.children`;

/** The columns of `Task`, from a relation called `t`. */
export const TASK_COLUMNS = `${SUMMARY_COLUMNS}, t.payload, t.result`;

/** One task by its id, or null when there is none that the caller may see. */
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

/** The state of a task, or null when there is none of this id that the caller may see. */
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
 * The attempts of a task, first to last. One that succeeded or is under way is in the row of the task itself,
 * so that most tasks need no second row.
 */
export async function listAttempts(database: Database, taskId: string): Promise<Attempt[]> {
  type Row = Omit<Attempt, 'runner'> & { runner_id: number | null; host: string | null; pid: number | null };
  const { rows } = await database.query<Row>({
    name: 'list_attempts',
    text: `
      with ended as (
        select a.attempt, a.outcome, a.runner_id, a.started_at, a.finished_at, a.error
          from errand.attempts a
         where a.task_id = $1
         union all
        select t.attempt, t.state, t.runner_id, t.started_at, t.finished_at, null
          from errand.tasks t
         where t.id = $1 and t.state in ('running', 'succeeded')
      )
      select ended.*, runners.host, runners.pid
        from ended
        left join errand.runners on runners.id = ended.runner_id
       order by ended.attempt`,
    values: [taskId],
  });
  return rows.map(({ runner_id, host, pid, ...attempt }) => ({
    ...attempt,
    runner: runner_id === null ? null : { id: runner_id, host: host ?? 'unknown', pid: pid ?? 0 },
  }));
}
