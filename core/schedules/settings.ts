import { z } from 'zod';
import { DELAY_LIMIT_SECONDS, MAX_ATTEMPTS_LIMIT, PRIORITY_LIMIT } from '../definitions/policy.ts';
import { NAME_MAX_LENGTH, NAME_PATTERN } from '../task.ts';

/** The rules for times that nobody handled, because no runner was up (specification K5). */
export const CATCH_UP = ['skip', 'last', 'all'] as const;
/** The rules for a time when a run of an earlier time has not ended (specification K6). */
export const OVERLAP = ['skip', 'queue_one', 'cancel_running', 'allow'] as const;

/** Longer expressions than this mean a list of times, not a rule. */
export const CRON_MAX_LENGTH = 200;
export const TIMEZONE_MAX_LENGTH = 64;
export const INTERVAL_LIMIT_SECONDS = DELAY_LIMIT_SECONDS;
export const JITTER_LIMIT_SECONDS = 86_400;
export const CATCH_UP_LIMIT = 1_000;
export const DESCRIPTION_MAX_LENGTH = 1_000;
/** The bounds of tags that errand.submit has, too. */
export const MAX_TAGS = 20;
export const TAG_MAX_LENGTH = 100;

/** A time that is late by up to this many seconds was not missed: `catch_up: skip` still runs it. */
export const GRACE_SECONDS = 60;

/**
 * The settings of a schedule, as on the wire and as stored: the types and defaults. Bounds and texts are checked
 * by `settingsProblems`.
 */
export const settingsSchema = z.strictObject({
  task: z.string(),
  payload: z.record(z.string(), z.unknown()),
  description: z.string().nullable().default(null),
  /** Exactly one of `cron`, `every_seconds` and `at` is set. */
  cron: z.string().nullable().default(null),
  every_seconds: z.int().nullable().default(null),
  /** A single time, ISO 8601 in UTC. */
  at: z.string().nullable().default(null),
  timezone: z.string().default('UTC'),
  jitter_seconds: z.number().default(0),
  /** The first and the last moment, both included, ISO 8601 in UTC. */
  starts_at: z.string().nullable().default(null),
  ends_at: z.string().nullable().default(null),
  catch_up: z.enum(CATCH_UP).default('last'),
  catch_up_window_seconds: z.int().default(7 * 86_400),
  catch_up_max: z.int().default(100),
  overlap: z.enum(OVERLAP).default('skip'),
  priority: z.int().nullable().default(null),
  max_attempts: z.int().nullable().default(null),
  expires_in_seconds: z.int().nullable().default(null),
  concurrency_key: z.string().nullable().default(null),
  tags: z.array(z.string()).default([]),
});

export type ScheduleSettings = z.output<typeof settingsSchema>;

/** The parts of the settings that decide about times. */
export type Timing = Pick<
  ScheduleSettings,
  'cron' | 'every_seconds' | 'at' | 'timezone' | 'jitter_seconds' | 'starts_at' | 'ends_at'
>;

/** Ids look like names of tasks, and begin with the namespace of the task. */
export const SCHEDULE_ID_PATTERN = NAME_PATTERN;
export const SCHEDULE_ID_MAX_LENGTH = NAME_MAX_LENGTH;
export const SCHEDULE_PRIORITY_LIMIT = PRIORITY_LIMIT;
export const SCHEDULE_MAX_ATTEMPTS_LIMIT = MAX_ATTEMPTS_LIMIT;
