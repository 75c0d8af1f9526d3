/** Every state of a task. The last five are final. */
export type State =
  | 'scheduled'
  | 'waiting'
  | 'queued'
  | 'running'
  | 'retrying'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'resolved'
  | 'expired';

/** The final states of a task. */
export type EndState = Extract<State, 'succeeded' | 'failed' | 'cancelled' | 'resolved' | 'expired'>;

const ENDS: ReadonlySet<string> = new Set<EndState>([
  'succeeded',
  'failed',
  'cancelled',
  'resolved',
  'expired',
]);

/** Whether a task in this state has ended. */
export function hasEnded(state: string): state is EndState {
  return ENDS.has(state);
}

declare const resultType: unique symbol;

/** A task by its id. Only the compiler knows the type of its result. */
export type TaskRef<Result = unknown> = { readonly id: string; readonly [resultType]?: Result };

/** An error that caused another error. */
export type ErrorCause = {
  errorType: string;
  message: string;
  errorCode: string | null;
  stack: string | null;
};

/** Why an attempt failed. */
export type TaskError = ErrorCause & {
  retryable: boolean;
  metadata: Record<string, unknown> | null;
  /** The errors behind it, from the outside to the inside. Missing if there are none. */
  causes?: ErrorCause[];
};

/** A task without its payload and result, as in lists. Times are ISO 8601 in UTC. */
export type TaskSummary<Result = unknown> = TaskRef<Result> & {
  name: string;
  namespace: string;
  version: string;
  state: State;
  /** Smaller runs first. */
  priority: number;
  /** The number of the attempt that is due or running, or of the last one. */
  attempt: number;
  maxAttempts: number;
  createdAt: string;
  /** When the attempt is or was due. */
  runAt: string;
  /** When it ends as `expired` unless it starts. Null if it does not expire, or has started. */
  expiresAt: string | null;
  startedAt: string | null;
  finishedAt: string | null;
  runnerId: number | null;
  /** How often its runner died while the task ran. */
  crashes: number;
  cancelRequestedAt: string | null;
  /** From 0 to 1. */
  progress: number | null;
  progressNote: string | null;
  /** The error of the last failed attempt. */
  error: TaskError | null;
  dedup: 'payload' | 'key' | 'idempotency_key' | 'schedule' | 'debounce' | 'throttle' | null;
  dedupKey: string | null;
  /** How many later submissions have replaced its payload. Null if it is not debounced. */
  debounced: number | null;
  concurrencyKey: string | null;
  /** How long an attempt may take, if the submission says so. Null: as its definition says. */
  timeoutSeconds: number | null;
  tags: string[];
  initiator: string | null;
  /** The authenticated submitter: `key:ci`, `user:ann`, `webhook:gitea`, `task:<id>`, `schedule:<id>`. */
  submittedBy: string | null;
  sourceSystem: string | null;
  reason: string | null;
  requestId: string | null;
  traceparent: string | null;
  /** The URL that receives the outcome of the task. */
  callbackUrl: string | null;
  parentId: string | null;
  step: string | null;
  skipped: boolean;
  children: number | null;
  /** When an operator dismissed its failure. Null if it has not failed, or has failed again since. */
  dismissedAt: string | null;
  /** The task that replaces it, and the task that it replaces. */
  resubmittedAs: string | null;
  resubmissionOf: string | null;
  /** The schedule that submitted it. */
  scheduleId: string | null;
  /** The time of that schedule that it stands for. A step has the time of its workflow. */
  scheduledFor: string | null;
};

/** One submission of a definition. */
export type Task<Result = unknown> = TaskSummary<Result> & {
  /** The submitted payload. */
  payload: Record<string, unknown>;
  /** The value that the handler returned; null as long as there is none. */
  result: Result | null;
};

/** One execution of a task by a runner. */
export type Attempt = {
  attempt: number;
  outcome: 'running' | 'succeeded' | 'failed' | 'interrupted' | 'crashed' | 'timed_out' | 'cancelled';
  runner: { id: number; host: string; pid: number } | null;
  startedAt: string | null;
  finishedAt: string | null;
  error: TaskError | null;
};

/** A step of a workflow. */
export type WorkflowNode = {
  id: string;
  step: string | null;
  name: string;
  state: State;
  skipped: boolean;
  after: string[] | null;
  attempt: number;
  maxAttempts: number;
  children: number | null;
  createdAt: string;
  runAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  durationMs: number | null;
  errorMessage: string | null;
};

/** A task with its last ten attempts in order and, for a workflow, the graph of its steps. */
export type TaskRecord<Result = unknown> = Task<Result> & {
  attempts: Attempt[];
  /** The total number of attempts. `GET /v1/tasks/{id}/attempts` has the others. */
  attemptsTotal: number;
  workflow: {
    nodes: WorkflowNode[];
    edges: { from: string; to: string }[];
    criticalPath: string[];
  } | null;
};

/** The record of a task that has a result. */
export type FinishedTask<Result = unknown> = TaskRecord<Result> & {
  state: 'succeeded' | 'resolved';
  result: Result;
};

/**
 * A task, and whether this submission created it. Without the scope `read`, only `id` and `state` are
 * present.
 */
export type SubmittedTask<Result = unknown> = Task<Result> & SubmitAnswer;

/**
 * The effect of a submission. `rearmed`: the task had ended without success and is queued again. `debounced`: the
 * task of its burst waits, and has this payload now. `throttled`: the task of a submission shortly before.
 */
export type SubmitOutcome = 'created' | 'duplicate' | 'rearmed' | 'debounced' | 'throttled';

/** The answer to a submission besides its task. */
export type SubmitAnswer = {
  created: boolean;
  outcome: SubmitOutcome;
  message: string;
  /** When it will probably have ended (ISO 8601), or null if nothing is known. Absent from an older API. */
  estimatedCompletion?: string | null;
};

/** A task after an operation on it. */
export type ChangedTask<Result = unknown> = Task<Result> & { message: string };

/** One problem of a request: its place (JSON Pointer) and a message. */
export type Detail = { path: string; message: string };

/** The outcome of one of many payloads: its task, or its problems. */
export type SubmittedItem<Result = unknown> =
  | (TaskRef<Result> & { state: State; created: boolean; outcome: SubmitOutcome; errors?: never })
  | { id?: never; state?: never; created: false; outcome?: never; errors: Detail[] };

/** The outcomes of many payloads, in their order. */
export type SubmittedMany<Result = unknown> = {
  items: SubmittedItem<Result>[];
  created: number;
  duplicates: number;
  invalid: number;
};

/** A line that a handler logged. Lines are numbered per task, from 1 without a gap. */
export type LogLine = {
  seq: number;
  attempt: number;
  level: string;
  message: string;
  fields: Record<string, unknown> | null;
  at: string;
};

/** The state of a task, as its events report it. */
export type TaskEvent = Pick<
  TaskSummary,
  | 'id'
  | 'name'
  | 'state'
  | 'attempt'
  | 'maxAttempts'
  | 'runAt'
  | 'startedAt'
  | 'finishedAt'
  | 'cancelRequestedAt'
  | 'progress'
  | 'progressNote'
  | 'error'
>;

/** Why a task is not running, what it is doing, or how it ended. */
export type Explanation = {
  id: string;
  name: string;
  /** The version at the submission. */
  version: string;
  state: State;
  /** One sentence. */
  summary: string;
  /** The reasons, the most important first. */
  reasons: ({ code: string; message: string } & Record<string, unknown>)[];
  /** Possible remedies. */
  nextSteps: string[];
  queue: { position: number; positionIsCapped: boolean; estimatedStartAt: string | null } | null;
  runners: { live: number; able: number; slots: number; busy: number };
  attempt: number;
  maxAttempts: number;
  nextAttemptAt: string | null;
  lastError: TaskError | null;
  explainedAt: string;
};
