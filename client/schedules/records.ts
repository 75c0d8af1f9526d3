import type { State } from '../records.ts';

/** The state of a schedule. `ended`: it has no more times. `broken`: nothing is handled until it is mended. */
export type ScheduleState = 'active' | 'paused' | 'broken' | 'ended';

/** Why a time was not submitted. */
export type SkipReason = 'overlap' | 'missed' | 'paused' | 'broken' | 'replaced';

/** A time, in UTC and in the time zone of its schedule. */
export type ScheduleTime = { at: string; local: string };

/** The settings of a schedule as stored, with defaults. Exactly one of `cron`, `everySeconds` and `at` is set. */
export type ScheduleSettings = {
  task: string;
  payload: Record<string, unknown>;
  description: string | null;
  cron: string | null;
  everySeconds: number | null;
  at: string | null;
  timezone: string;
  jitterSeconds: number;
  startsAt: string | null;
  endsAt: string | null;
  catchUp: 'skip' | 'last' | 'all';
  catchUpWindowSeconds: number;
  catchUpMax: number;
  overlap: 'skip' | 'queue_one' | 'cancel_running' | 'allow';
  priority: number | null;
  maxAttempts: number | null;
  expiresInSeconds: number | null;
  concurrencyKey: string | null;
  tags: string[];
};

/** A schedule without its payload, as in lists. Times are ISO 8601 in UTC. */
export type ScheduleSummary = {
  id: string;
  task: string;
  namespace: string;
  /** `code`: the files of a repository have it, and only they change it. */
  origin: 'code' | 'api';
  owner: string | null;
  state: ScheduleState;
  /** Its timing in words. */
  inWords: string;
  settings: Omit<ScheduleSettings, 'payload'>;
  /** Counts its changes, firings included. */
  revision: number;
  createdAt: string;
  updatedAt: string;
  /** All times up to this one are handled. */
  lastAt: string | null;
  /** Null if there is none, and while it is paused or broken. */
  nextAt: string | null;
  /** A time that waits for the end of an earlier run. */
  heldFor: string | null;
  paused: { at: string; actor: string | null; reason: string | null } | null;
  broken: { at: string | null; message: string } | null;
};

/** A schedule with its next ten times. */
export type Schedule = ScheduleSummary & { settings: ScheduleSettings; nextTimes: ScheduleTime[] };

/** A task of a schedule. The state is null if its record was removed. */
export type ScheduleTask = { id: string; state: State | null };

/** The outcome of a time, or of a range of skipped times. */
export type ScheduleRun = {
  scheduledFor: string;
  /** The last time of a range of skipped times. */
  until: string | null;
  /** How many times these are. Null if they were too many to count. */
  times: number | null;
  outcome: 'submitted' | 'skipped';
  reason: SkipReason | null;
  cause: 'time' | 'backfill' | 'trigger';
  task: ScheduleTask | null;
  at: string;
  /** The same in words. */
  message: string;
};

/** A schedule with the newest ten entries of its history. */
export type ScheduleRecord = Schedule & {
  lastRuns: ScheduleRun[];
  /** How many times were skipped lately, by reason. */
  skipped: Record<SkipReason, number>;
};

/**
 * A schedule after an operation, and whether that changed it. Without the scope `read`, only `id` and `state` are
 * present.
 */
export type ChangedSchedule = Schedule & { changed: boolean; message: string };

/** A schedule that was made or changed, or would be. */
export type PutSchedule = ChangedSchedule & { created: boolean };

/** The effect of a backfill. */
export type Backfill = {
  dryRun: boolean;
  /** How many times the range has. */
  times: number;
  submitted: number;
  /** Those that had run before. */
  existing: number;
  /** Those that are due or wait at this moment: the schedule itself handles them. */
  pending: number;
  tasks: {
    scheduledFor: string;
    local: string;
    outcome: 'submitted' | 'existing' | 'pending';
    taskId: string | null;
  }[];
  message: string;
};

/** The meaning of a timing. */
export type SchedulePreview = { inWords: string; nextTimes: ScheduleTime[] };

/** Why a schedule ran or did not run at a time, or what it does now. */
export type ScheduleExplanation = {
  id: string;
  status:
    | 'ran'
    | 'skipped'
    | 'held'
    | 'due'
    | 'no_runner'
    | 'paused'
    | 'broken'
    | 'scheduled'
    | 'ended'
    | 'not_a_time'
    | 'before_creation'
    | 'unrecorded';
  /** The answer in words. */
  summary: string;
  nextSteps: string[];
  inWords: string;
  asked: (ScheduleTime & { clock: 'once' | 'twice' | 'never'; second: ScheduleTime | null }) | null;
  run: {
    scheduledFor: string;
    until: string | null;
    times: number | null;
    outcome: 'submitted' | 'skipped';
    reason: SkipReason | null;
    task: ScheduleTask | null;
    isBackfill: boolean;
    recordedAt: string;
  } | null;
  nearest: { before: ScheduleTime | null; after: ScheduleTime | null };
  openTasks: ScheduleTask[];
  next: (ScheduleTime & { dueAt: string | null }) | null;
  heldFor: ScheduleTime | null;
  explainedAt: string;
};
