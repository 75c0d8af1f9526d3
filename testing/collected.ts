/** What a test may choose of an attempt. */
export type AttemptOptions = {
  /** The id of the task; a new one by default. */
  readonly id?: string;
  /** The number of the attempt; 1 by default. */
  readonly attempt?: number;
  /** The version that the task was submitted with; that of the definition by default. */
  readonly version?: string;
  readonly traceparent?: string;
  /** The time of a schedule that the task stands for; none by default. */
  readonly scheduledFor?: Date;
  /** If it is aborted, the attempt is cancelled: its own signal is aborted, and its result does not count. */
  readonly signal?: AbortSignal;
};

/** A line that a handler has logged. */
export type CollectedLine = { level: string; message: string; fields: Record<string, unknown> | null };

/** A task that a handler has submitted. Its payload is JSON, as it will arrive. */
export type CollectedTask = {
  name: string;
  payload: unknown;
  priority: number;
  maxAttempts: number;
  delayMs: number | null;
  dedupKey: string | null;
  tags: readonly string[];
  reason: string | null;
};

/** What an attempt has done besides its result. */
export type Collected = {
  /** Lines of `info` and above, as they are stored with the task. */
  log: CollectedLine[];
  progress: { fraction: number; note: string | null }[];
  /** What `context.submit` has submitted, in order. */
  submitted: CollectedTask[];
};
