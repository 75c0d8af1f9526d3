// What the API answers, as openapi.yaml describes it. The API has checked its answers' values, so they are not
// checked again.

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
] as const;
export type State = (typeof STATES)[number];

export type Scope = 'read' | 'submit' | 'operate';

/** The user, and the rights of the user's credentials. */
export type Principal = {
  actor: string;
  scopes: Scope[];
  namespaces: string[] | null;
  expires_at: string | null;
  authentication: boolean;
};

export type Cause = { error_type: string; message: string; error_code: unknown; stack: string | null };
export type TaskError = Cause & {
  retryable: boolean;
  metadata: Record<string, unknown> | null;
  causes?: Cause[];
};

/** A task in a list. Times are ISO 8601 in UTC. */
export type TaskSummary = {
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
  expires_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  runner_id: number | null;
  crashes: number;
  cancel_requested_at: string | null;
  progress: number | null;
  progress_note: string | null;
  error: TaskError | null;
  dedup: string | null;
  dedup_key: string | null;
  debounced: number | null;
  concurrency_key: string | null;
  timeout_seconds: number | null;
  tags: string[];
  initiator: string | null;
  submitted_by: string | null;
  source_system: string | null;
  reason: string | null;
  request_id: string | null;
  traceparent: string | null;
  callback_url: string | null;
  parent_id: string | null;
  step: string | null;
  skipped: boolean;
  children: number | null;
  dismissed_at: string | null;
  resubmitted_as: string | null;
  resubmission_of: string | null;
};

export type TaskList = {
  tasks: TaskSummary[];
  total: number;
  total_is_estimate: boolean;
  next_cursor: string | null;
  /** With a condition on the payload: how far this page has looked. */
  search: { looked_at: number; is_bounded: boolean; matched: number; unread: number } | null;
};

export type RunnerRef = { id: number; host: string; pid: number };

export type Attempt = {
  attempt: number;
  outcome: 'running' | 'succeeded' | 'failed' | 'interrupted' | 'crashed' | 'timed_out' | 'cancelled';
  runner: RunnerRef | null;
  started_at: string | null;
  finished_at: string | null;
  error: TaskError | null;
};

/** A step of a workflow, or a task that a step created. */
export type WorkflowNode = {
  id: string;
  step: string | null;
  name: string;
  state: State;
  skipped: boolean;
  after: string[] | null;
  attempt: number;
  max_attempts: number;
  children: number | null;
  created_at: string;
  run_at: string;
  started_at: string | null;
  finished_at: string | null;
  duration_ms: number | null;
  error_message: string | null;
};

export type Workflow = {
  nodes: WorkflowNode[];
  edges: { from: string; to: string }[];
  critical_path: string[];
};

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export type TaskRecord = TaskSummary & {
  payload: Record<string, Json>;
  result: Json;
  attempts: Attempt[];
  attempts_total: number;
  workflow: Workflow | null;
};

export type Reason = {
  code: string;
  message: string;
  tasks?: { id: string; name: string; step: string | null; state: State }[];
};

export type Explanation = {
  summary: string;
  reasons: Reason[];
  next_steps: string[];
  queue: { position: number; position_is_capped: boolean; estimated_start_at: string | null } | null;
  runners: { live: number; able: number; slots: number; busy: number };
  next_attempt_at: string | null;
  explained_at: string;
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

export type Pause = { target: string; paused_at: string; actor: string; reason: string | null };
export type Queue = { name: string; namespace: string; pauses: Pause[] };

export type ErrorGroup = {
  error_group: string;
  name: string;
  namespace: string;
  error_type: string;
  message: string;
  count: number;
  count_is_capped: boolean;
  first_seen: string;
  last_seen: string;
  first_version: string;
  last_version: string;
  status: 'open' | 'resolved' | 'ignored' | 'regressed';
  decision: { decided_at: string; actor: string; reason: string | null } | null;
  example: { task_id: string; attempt: number; error: TaskError };
};

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
  runners: (RunnerRef & { version: string | null })[];
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

/** A queue with tasks that are due and wait. */
export type WaitingQueue = {
  name: string;
  namespace: string;
  waiting: number;
  waiting_is_capped: boolean;
  oldest_wait_ms: number;
  is_paused: boolean;
  runners: number;
  waiting_versions: { version: string; tasks: number }[];
  runner_versions: { version: string; runners: number }[];
};

/** What needs somebody now. */
export type Overview = {
  at: string;
  since: string;
  errors: {
    open: number;
    regressed: number;
    new: number;
    failed_tasks: number;
    quarantined_tasks: number;
    is_truncated: boolean;
    groups: (ErrorGroup & { is_new: boolean })[];
  };
  queues: WaitingQueue[];
  without_runner: string[];
  schedules: {
    id: string;
    task: string;
    due_at: string | null;
    broken: string | null;
    broken_at: string | null;
  }[];
  pauses: Pause[];
  runners: { live: number; overdue: number; blocked: number; slots: number; busy: number };
};
