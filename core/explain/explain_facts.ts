import type { ErrorRecord } from '../errors.ts';
import type { State } from '../states.ts';

/** A runner, as messages name it. */
export type RunnerName = { id: number; host: string; pid: number };

/** A task and its state. `step` is its name in the graph of its workflow. */
export type TaskName = { id: string; name: string; step: string | null; state: State };

/** The reasons why a task is in its state. Several can apply at once. */
export const REASON_CODES = [
  'cancel_requested',
  'paused',
  'scheduled',
  'backing_off',
  'waiting_for_steps',
  'waiting_for_failure',
  'waiting_for_children',
  'no_live_runner',
  'no_runner_for_namespace',
  'no_runner_for_name',
  'needs_newer_runner',
  'dispatch_lost',
  'claimed',
  'runner_overdue',
  'suspect',
  'limit_paused',
  'limit_full',
  'no_free_slot',
  'queued',
  'expires',
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
  'expired',
  'dismissed',
] as const;

/** The limit of a reason. Of a rate, `slots` start in the period, at most `burst` together. */
type FullLimit = {
  name: string;
  key: string;
  slots: number;
  taken: number;
  position: number;
  period_seconds?: number;
  burst?: number;
};

/** One reason. Its code decides which optional properties it has. */
export type Reason = {
  code: (typeof REASON_CODES)[number];
  /** One sentence, without the full stop. */
  message: string;
  /** The target of a pause. */
  target?: string;
  /** The actor, and the reason that it gave. */
  actor?: string;
  reason?: string | null;
  /** Since when, and until when, the reason applies. */
  since?: string;
  until?: string;
  runner?: RunnerName;
  /** The steps or children that the reason is about, or the tasks that hold the slots of a limit. */
  tasks?: TaskName[];
  /** The limit that is full or paused. */
  limit?: FullLimit;
};

/** A reason, and possible remedies. */
export type Finding = Reason & { next?: string | string[] };

/**
 * A step, or a task that a map or run step created, which has no step name. Only the parts that sentences
 * need.
 */
export type Member = TaskName & {
  /** The steps before it. */
  after: readonly string[];
  skipped: boolean;
  /** The message of its error. */
  message: string | null;
};

/** The facts about a task at one moment. Times are ISO 8601, all by the same clock. */
export type Facts = {
  now: string;
  task: {
    id: string;
    name: string;
    /** The version at the submission. */
    version: string;
    state: State;
    attempt: number;
    max_attempts: number;
    run_at: string;
    /** When it ends unless it starts; null if it does not expire, or has started. */
    expires_at: string | null;
    started_at: string | null;
    finished_at: string | null;
    /** How often its runner died while the task ran. */
    crashes: number;
    /** Whether its runner died when it may have been running. */
    suspect: boolean;
    cancel_requested_at: string | null;
    /** When its failure was dismissed, and the task that replaces it. */
    dismissed_at: string | null;
    resubmitted_as: string | null;
    progress: number | null;
    progress_note: string | null;
    error: ErrorRecord | null;
    /** The name of a step in the graph, and the steps before it. */
    step: string | null;
    after: readonly string[];
    skipped: boolean;
    /** The number of its children; null if it has none. */
    children: number | null;
    /** The number of steps or children that it still waits for. */
    pending: number;
    /** The time limit that its submission gave, if any. */
    own_timeout_ms: number | null;
  };
  /** The task that it is a step or a child of. */
  parent: { id: string; name: string; state: State } | null;
  /**
   * For a waiting step: the steps of its workflow, including itself. For a task with children: these, how
   * many are done, and how many failed. It contains all steps, but only the most important tasks of a long
   * list.
   */
  family: { done: number; failed: number; members: readonly Member[] } | null;
  /** The last attempt that ended without success. */
  failure: { attempt: number; outcome: string; error: ErrorRecord | null } | null;
  /** The pauses of its name and of any prefix of it. */
  pauses: { target: string; paused_at: string; actor: string; reason: string | null }[];
  /** The cancellation or the resolution in the audit trail. */
  act: { actor: string; at: string; reason: string | null } | null;
  /**
   * The number of runners with a valid lease and, of those that can execute the task, their slots and how
   * many were in use. `elsewhere` are those that are dedicated to other namespaces or names.
   */
  runners: { live: number; able: number; slots: number; busy: number; elsewhere: number };
  /**
   * For a due task: the names that hold the most slots of the pool, the largest first. A few, and only those
   * that the caller may see.
   */
  busy_with: readonly { name: string; count: number }[];
  /** Live runners with an older definition than the task needs: their number, and the newest of them. */
  older: { count: number; some: readonly (RunnerName & { version: string })[] };
  /** The dispatch for its attempt, if there is one, and whether a runner has fetched it. */
  dispatch: { is_locked: boolean } | null;
  /**
   * The runner that has or had its attempt, or has fetched its dispatch. Null also if that is no longer
   * registered.
   */
  runner:
    | (RunnerName & {
        lease_until: string;
        has_ended: boolean;
        /** Since when its event loop is blocked, and the task that blocks it, if known. */
        blocked: { since: string; by: string | null } | null;
      })
    | null;
  /** The time limit of an attempt: that of the submission, otherwise that of the definition. */
  timeout_ms: number | null;
  /** The number of due tasks of its name before it, as far as they were counted; null if it is not due. */
  queue: { ahead: number; is_capped: boolean } | null;
  /** How many tasks of its name finished recently, since when, and how long they took on average. */
  finished: { count: number; since: string | null; mean_ms: number | null };
  /**
   * The limit for whose slot it waits: how many slots it has and how many are taken, the pause of the limit, how
   * many tasks wait before this one, as far as they were counted, and some of the tasks that hold the slots, the longest
   * first. Null if it does not wait for one.
   */
  limit: {
    name: string;
    key: string;
    slots: number;
    taken: number;
    /** By an operator, who made the last change of the limit. */
    pause?: { actor: string; paused_at: string; reason: string | null } | null;
    ahead: number;
    is_capped: boolean;
    holders: readonly (TaskName & { since: string; runner_id: number })[];
    /** For a rate: `slots` start in so many ms, at most `burst` together. `taken` are those of a burst. */
    rate?: { period_ms: number; burst: number } | null;
    /** When the next one may start, if that is a matter of time, and until when it is held. */
    next_at?: string | null;
    held_until?: string | null;
  } | null;
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

/**
 * A duration in ms as text: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. From ten of a unit on without decimals.
 */
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

/** The end of a sentence about a runner whose event loop is blocked; otherwise empty. */
export function blockedInWords({ runner, task, now }: Facts): string {
  if (runner === null || runner.blocked === null) return '';
  const { since, by } = runner.blocked;
  const who = by === null ? '' : by === task.id ? ' by this task' : ` by task ${by}`;
  return `; the event loop of that runner has been blocked${who} for ${inTime(between(since, now))}`;
}

/** Only the id, host and pid of a runner. */
export function nameOf({ id, host, pid }: RunnerName): RunnerName {
  return { id, host, pid };
}

const SHOWN_LENGTH = 200;

/** A text in one line, shortened for a sentence. */
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
