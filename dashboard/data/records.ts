import type * as attention from '../../client/attention.ts';
import type * as limits from '../../client/limits/records.ts';
import type { TaskPage } from '../../client/list.ts';
import type * as tasks from '../../client/records.ts';
import type * as schedules from '../../client/schedules/records.ts';
import type { Wire } from '../../client/wire.ts';

// What the API answers, as openapi.yaml describes it: the records of the client in the names of the API, and those that
// the client has no method for. The API has checked its answers' values, so they are not checked again.

/** Every state of a task. */
export const STATES = [
  'scheduled',
  'waiting',
  'queued',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'resolved',
  'expired',
] as const satisfies readonly tasks.State[];
export type State = tasks.State;

export type Scope = 'read' | 'submit' | 'operate';

/** The user, and the rights of the user's credentials. */
export type Principal = {
  actor: string;
  scopes: Scope[];
  namespaces: string[] | null;
  expires_at: string | null;
  authentication: boolean;
};

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export type Cause = Wire<tasks.ErrorCause>;
export type TaskError = Wire<tasks.TaskError>;
export type TaskSummary = Wire<tasks.TaskSummary>;
/** Its payload and its result are JSON. */
export type TaskRecord = Wire<tasks.TaskRecord> & { payload: Record<string, Json>; result: Json };
export type TaskList = Wire<TaskPage>;
export type Attempt = Wire<tasks.Attempt>;
export type WorkflowNode = Wire<tasks.WorkflowNode>;
export type Workflow = NonNullable<TaskRecord['workflow']>;
export type Explanation = Omit<Wire<tasks.Explanation>, 'reasons'> & { reasons: Reason[] };
export type ErrorGroup = Wire<attention.ErrorGroup>;
export type WaitingQueue = Wire<attention.WaitingQueue>;
/** What needs somebody now. */
export type Overview = Wire<attention.Overview>;
export type Pause = Overview['pauses'][number];
export type Limit = Wire<limits.LimitSummary>;
export type LimitKey = Wire<limits.LimitKey>;
export type LimitRecord = Wire<limits.LimitRecord>;
export type LimitTask = Pick<LimitRecord['waiting'][number], 'id' | 'name' | 'key' | 'since'>;
export type ScheduleState = schedules.ScheduleState;
export type ScheduleSummary = Wire<schedules.ScheduleSummary>;
export type ScheduleRun = Wire<schedules.ScheduleRun>;
export type Schedule = Wire<schedules.Schedule> & { settings: Record<string, Json> };

/** A reason of an explanation. Some name the tasks that it is about. */
export type Reason = {
  code: string;
  message: string;
  tasks?: { id: string; name: string; step: string | null; state: State }[];
};

export type BulkAnswer = {
  action: 'retry' | 'cancel';
  dry_run: boolean;
  bulk_id: string | null;
  matched: number;
  matched_is_estimate: boolean;
  changed: number | null;
  task: TaskRecord | null;
  message: string;
};

/** What became of the tasks that a bulk operation changed. */
export type BulkStanding = {
  bulk_id: string;
  operation: { action: string; actor: string; reason: string | null; at: string } | null;
  changed: number;
  changed_is_capped: boolean;
  states: Partial<Record<State, number>>;
  removed: number;
};

export type Queue = { name: string; namespace: string; pauses: Pause[] };

export type AuditEntry = {
  id: number;
  at: string;
  actor: string;
  action: string;
  task_id: string | null;
  namespace: string | null;
  target: string | null;
  reason: string | null;
  request_id: string | null;
  details: Record<string, Json> | null;
};

export type Delivery = {
  id: string;
  message_id: string;
  type: string;
  url: string;
  state: State;
  created_at: string;
  next_attempt_at: string | null;
  attempts: {
    attempt: number;
    outcome: string;
    started_at: string | null;
    finished_at: string | null;
    duration_ms: number | null;
    status: number | null;
    error: TaskError | null;
  }[];
};

export type DisabledCallback = { namespace: string; url: string; disabled_at: string; task_id: string };

export type Runner = {
  id: number;
  host: string;
  pid: number;
  version: string;
  started_at: string;
  heartbeat_at: string;
  overdue: boolean;
  event_loop_delay_ms: number | null;
  blocked_since: string | null;
  in_flight: number;
  concurrency: number;
  task_names: string[];
  task_versions: Record<string, string> | null;
  ended_at: string | null;
  end_reason: string | null;
};

export type JsonSchema = { [keyword: string]: unknown };

export type Handler = {
  name: string;
  namespace: string;
  version: string;
  owner: string | null;
  description: string | null;
  payload_schema: JsonSchema;
  pauses: Pause[];
  runners: { id: number; host: string; pid: number; version: string | null }[];
  live_runners: number;
  workflow: string | null;
  steps: { step: string; name: string }[] | null;
  policy: Record<string, unknown>;
};

export type Durations = {
  average: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
};
export type Figures = {
  finished: { succeeded: number; failed: number; cancelled: number; resolved: number; expired: number };
  success_rate: number | null;
  processing_seconds: Durations;
  queue_wait_seconds: Durations;
};

export type Performance = {
  from: string;
  to: string;
  interval_seconds: number;
  total: Figures & { throughput_per_second: number };
  intervals: (Figures & { throughput_per_second: number; from: string; to: string })[];
};

type Open = { open: Record<'scheduled' | 'waiting' | 'queued' | 'running' | 'retrying', number> };
export type TaskStats = {
  total: Figures & Open;
  names: (Figures & Open & { name: string; namespace: string })[];
};
