/** Every state of a task; the last four are its ends. */
export type State =
  | 'scheduled'
  | 'waiting'
  | 'queued'
  | 'running'
  | 'retrying'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'resolved';

/** The states that a task ends in. */
export type EndState = Extract<State, 'succeeded' | 'failed' | 'cancelled' | 'resolved'>;

const ENDS: ReadonlySet<string> = new Set<EndState>(['succeeded', 'failed', 'cancelled', 'resolved']);

/** Whether a task in this state has ended. */
export function hasEnded(state: string): state is EndState {
  return ENDS.has(state);
}

declare const resultType: unique symbol;

/** A task by its id. What its result is of is known to the compiler alone. */
export type TaskRef<Result = unknown> = { readonly id: string; readonly [resultType]?: Result };

/** Why an attempt failed. */
export type TaskError = {
  errorType: string;
  message: string;
  errorCode: string | null;
  retryable: boolean;
  metadata: Record<string, unknown> | null;
  stack: string | null;
};

/** A task as lists have it: all but its payload and its result. Times are ISO 8601, in UTC. */
export type TaskSummary<Result = unknown> = TaskRef<Result> & {
  name: string;
  namespace: string;
  version: string;
  state: State;
  /** Smaller runs first. */
  priority: number;
  /** The attempt that is due or under way, or was the last. */
  attempt: number;
  maxAttempts: number;
  createdAt: string;
  /** When the attempt is or was due. */
  runAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  runnerId: number | null;
  /** How often its runner died under it. */
  crashes: number;
  cancelRequestedAt: string | null;
  /** From 0 to 1. */
  progress: number | null;
  progressNote: string | null;
  /** Of the last failed attempt. */
  error: TaskError | null;
  dedup: 'payload' | 'key' | 'idempotency_key' | null;
  dedupKey: string | null;
  tags: string[];
  initiator: string | null;
  sourceSystem: string | null;
  reason: string | null;
  requestId: string | null;
  traceparent: string | null;
  /** Where it is told how it ended. */
  callbackUrl: string | null;
  parentId: string | null;
  step: string | null;
  skipped: boolean;
  children: number | null;
};

/** One submission of a definition. */
export type Task<Result = unknown> = TaskSummary<Result> & {
  /** As it was submitted. */
  payload: Record<string, unknown>;
  /** What the handler returned; null as long as there is nothing. */
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

/** A task with its attempts, first to last, and of a workflow the graph of its steps. */
export type TaskRecord<Result = unknown> = Task<Result> & {
  attempts: Attempt[];
  workflow: {
    nodes: WorkflowNode[];
    edges: { from: string; to: string }[];
    criticalPath: string[];
  } | null;
};

/** The record of a task that has come to a result. */
export type FinishedTask<Result = unknown> = TaskRecord<Result> & {
  state: 'succeeded' | 'resolved';
  result: Result;
};

/** A task, and whether this submission made it. */
export type SubmittedTask<Result = unknown> = Task<Result> & { created: boolean; message: string };

/** A task after an operation on it. */
export type ChangedTask<Result = unknown> = Task<Result> & { message: string };

/** One thing that is wrong with a request: where (JSON Pointer) and what. */
export type Detail = { path: string; message: string };

/** What became of one of many payloads: its task, or what is wrong with it. */
export type SubmittedItem<Result = unknown> =
  | (TaskRef<Result> & { state: State; created: boolean; errors?: never })
  | { id?: never; state?: never; created: false; errors: Detail[] };

/** What became of many payloads, in their order. */
export type SubmittedMany<Result = unknown> = {
  items: SubmittedItem<Result>[];
  created: number;
  duplicates: number;
  invalid: number;
};

/** A line that a handler logged. They are numbered per task, from 1 without a gap. */
export type LogLine = {
  seq: number;
  attempt: number;
  level: string;
  message: string;
  fields: Record<string, unknown> | null;
  at: string;
};

/** What a task is at, as its events tell it. */
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

/** Why a task is not running, or what it is at, or how it ended. */
export type Explanation = {
  id: string;
  name: string;
  /** That it was submitted with. */
  version: string;
  state: State;
  /** One sentence. */
  summary: string;
  /** The most important first. */
  reasons: ({ code: string; message: string } & Record<string, unknown>)[];
  /** What somebody can do about it. */
  nextSteps: string[];
  queue: { position: number; positionIsCapped: boolean; estimatedStartAt: string | null } | null;
  runners: { live: number; able: number; slots: number; busy: number };
  attempt: number;
  maxAttempts: number;
  nextAttemptAt: string | null;
  lastError: TaskError | null;
  explainedAt: string;
};
