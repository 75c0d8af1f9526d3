import type { State } from '../states.ts';
import type { LocalTime } from './local_time.ts';
import type { ScheduleSettings } from './settings.ts';
import type { SkipReason } from './skip_reasons.ts';

/** A task in an explanation. `state` is null if its record is gone. */
export type ScheduleTask = { id: string; state: State | null };

/** A row of errand.schedule_runs: one time, or a range of skipped ones. */
export type ScheduleRun = {
  scheduledFor: Date;
  outcome: 'submitted' | 'skipped';
  reason: SkipReason | null;
  /**
   * Of a range of skipped times: the last one, and how many there are; null if there are too many to count.
   */
  until: Date | null;
  times: number | null;
  /** The submitted task. For `overlap` the open task of the earlier run. */
  task: ScheduleTask | null;
  isBackfill: boolean;
  /** When it was recorded. */
  at: Date;
};

/**
 * The moment that somebody asks about. `local` is set if it was given as a local time in the zone of the
 * schedule.
 */
export type AskedTime = { instant: Date; local: LocalTime | null };

/** The facts about a schedule at one moment, all by Postgres's clock. */
export type ScheduleFacts = {
  now: Date;
  id: string;
  settings: ScheduleSettings;
  createdAt: Date;
  /** The last change of its settings by PUT or by code. */
  updatedAt: Date;
  lastAt: Date | null;
  nextAt: Date | null;
  dueAt: Date | null;
  heldFor: Date | null;
  pausedAt: Date | null;
  pausedBy: string | null;
  pauseReason: string | null;
  broken: string | null;
  brokenAt: Date | null;
  /** Null: why it does or does not run now. */
  asked: AskedTime | null;
  /**
   * The rows with `scheduledFor` ≤ asked ≤ `until` (or `scheduledFor`), a few. Not used without a moment.
   */
  runs: readonly ScheduleRun[];
  /** Its tasks that have not finished, the oldest first, a few. */
  openTasks: readonly ScheduleTask[];
  /** Whether a runner with a valid lease is up: all of them look after schedules. */
  hasLiveRunner: boolean;
  /** Rows before this may have been removed. */
  historySince: Date;
};

/**
 * The past or future outcome of a time; without a time the state of the schedule. `due`: it will be handled
 * within about a second. `no_runner`: due, and no runner is up. `held`: it waits for an earlier run to end.
 * `unrecorded`: nothing is known.
 */
export const SCHEDULE_STATUSES = [
  'ran',
  'skipped',
  'held',
  'due',
  'no_runner',
  'paused',
  'broken',
  'scheduled',
  'ended',
  'not_a_time',
  'before_creation',
  'unrecorded',
] as const;
export type ScheduleStatus = (typeof SCHEDULE_STATUSES)[number];

/** A moment on the wire: in UTC, and in the zone of the schedule with its offset. */
export type TimeText = { at: string; local: string };

/** Why a schedule ran or did not run at a time, in the form of the API. */
export type ScheduleExplanation = {
  id: string;
  status: ScheduleStatus;
  /** The answer in plain English. */
  summary: string;
  /** Possible remedies. */
  next_steps: string[];
  /** The timing in words. */
  in_words: string;
  /** The moment that was asked about: of a local time that the clocks skip, the end of the gap. */
  asked: (TimeText & { clock: LocalTime['kind']; second: TimeText | null }) | null;
  /** The row that decides about the moment, if there is one. */
  run: {
    scheduled_for: string;
    until: string | null;
    times: number | null;
    outcome: 'submitted' | 'skipped';
    reason: SkipReason | null;
    task: ScheduleTask | null;
    is_backfill: boolean;
    recorded_at: string;
  } | null;
  /** The nearest times of the schedule before and after the moment. */
  nearest: { before: TimeText | null; after: TimeText | null };
  open_tasks: ScheduleTask[];
  next: (TimeText & { due_at: string | null }) | null;
  held_for: TimeText | null;
  explained_at: string;
};
