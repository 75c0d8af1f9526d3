import type { ErrorRecord } from './errors.ts';
import type { State } from './states.ts';

/** Who a runner is. */
export type RunnerName = { id: number; host: string; pid: number };

/** Which task, and what it is at; `step` is its name in the graph of its workflow. */
export type TaskName = { id: string; name: string; step: string | null; state: State };

/** Why a task is where it is. Several may hold at once. */
export const REASON_CODES = [
  'cancel_requested',
  'paused',
  'scheduled',
  'backing_off',
  'waiting_for_steps',
  'waiting_for_failure',
  'waiting_for_children',
  'no_live_runner',
  'no_runner_for_name',
  'needs_newer_runner',
  'due_without_ring',
  'ring_locked',
  'runner_overdue',
  'suspect',
  'limit_reached',
  'queued',
  'running',
  'succeeded',
  'skipped',
  'step_failed',
  'failed_permanently',
  'attempts_exhausted',
  'timed_out',
  'quarantined',
  'payload_invalid',
  'cancelled',
  'resolved',
] as const;

/** One reason; which of the optional parts it has depends on its code. */
export type Reason = {
  code: (typeof REASON_CODES)[number];
  /** One sentence, without its full stop. */
  message: string;
  /** What is paused. */
  target?: string;
  /** Who did it, and why. */
  actor?: string;
  reason?: string | null;
  /** From when it is so, and until when. */
  since?: string;
  until?: string;
  runner?: RunnerName;
  /** The steps or children that it is about. */
  tasks?: TaskName[];
};

/** A reason, and what somebody can do about it, if anything. */
export type Finding = Reason & { next?: string | string[] };

/** A step, or one of a list of children, which has none; as far as sentences need it. */
export type Member = TaskName & {
  /** The steps that it comes after. */
  after: readonly string[];
  skipped: boolean;
  /** Of its error. */
  message: string | null;
};

/** What is known of a task at one moment. Times are ISO 8601, all by one clock. */
export type Facts = {
  now: string;
  task: {
    id: string;
    name: string;
    /** That it was submitted with. */
    version: string;
    state: State;
    attempt: number;
    max_attempts: number;
    run_at: string;
    started_at: string | null;
    finished_at: string | null;
    crashes: number;
    cancel_requested_at: string | null;
    progress: number | null;
    progress_note: string | null;
    error: ErrorRecord | null;
    /** Of a step: its name in the graph, and the steps that it comes after. */
    step: string | null;
    after: readonly string[];
    skipped: boolean;
    /** How many it has; null when it is none that has any. */
    children: number | null;
    /** How many it waits for: steps, or children that are due or under way. */
    pending: number;
  };
  /** The task whose step or child it is. */
  parent: { id: string; name: string; state: State } | null;
  /**
   * Of a step that waits, the steps of its workflow, itself included; of what has children, these: how many are done and
   * how many ended otherwise, all that are steps, and of a list the few that matter most.
   */
  family: { done: number; failed: number; members: readonly Member[] } | null;
  /** The last attempt that ended without success. */
  failure: { attempt: number; outcome: string; error: ErrorRecord | null } | null;
  /** Of its name and of any part of it from the first on. */
  pauses: { target: string; paused_at: string; actor: string; reason: string | null }[];
  /** The cancellation or the resolution in the audit trail. */
  act: { actor: string; at: string; reason: string | null } | null;
  /** The runners whose lease holds; of those that can execute it, their slots and how many were taken. */
  runners: { live: number; able: number; slots: number; busy: number };
  /** Live runners that have its name, but an older definition than it needs: how many, and the newest of them. */
  older: { count: number; some: readonly (RunnerName & { version: string })[] };
  /** Whether there is a ring for its attempt, and whether somebody has fetched it. */
  ring: { is_locked: boolean } | null;
  /** The runner that has or had its attempt, or has fetched its ring; null also when it is not registered any more. */
  runner: (RunnerName & { lease_until: string; has_ended: boolean }) | null;
  /** Of the definition. */
  timeout_ms: number | null;
  /** Due tasks of its name before it, as far as was counted; null when it is not due. */
  queue: { ahead: number; is_capped: boolean } | null;
  /** How many of its name finished lately, since when. */
  finished: { count: number; since: string | null };
};

/** Milliseconds from one time to another. */
export function between(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}

const UNITS: [ms: number, unit: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** A duration in ms for people: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`; from ten of a unit on without decimals. */
export function inTime(ms: number): string {
  const positive = Math.max(0, ms);
  const [size, unit] = UNITS.find(([least]) => positive >= least) ?? [1_000, 's'];
  const amount = positive / size;
  return `${amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount)} ${unit}`;
}

/** `runner 3 (worker-1, pid 42)`. */
export function runnerInWords(runner: RunnerName | null): string {
  return runner === null ? 'a runner' : `runner ${runner.id} (${runner.host}, pid ${runner.pid})`;
}

/** An id, host and pid, and nothing beside. */
export function nameOf({ id, host, pid }: RunnerName): RunnerName {
  return { id, host, pid };
}

const SHOWN_LENGTH = 200;

/** As much of a text as a sentence can bear, in one line. */
export function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= SHOWN_LENGTH ? line : `${line.slice(0, SHOWN_LENGTH)}…`;
}

/** `TypeError: x is not a function`. */
export function errorInWords(error: ErrorRecord | null): string {
  return error === null ? 'an error that was not kept' : shown(`${error.error_type}: ${error.message}`);
}

/** `, because: the printer is on fire`, or nothing. */
export function because(reason: string | null): string {
  return reason === null ? '' : `, because: ${shown(reason)}`;
}
