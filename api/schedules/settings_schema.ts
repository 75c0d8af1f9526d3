import { DELAY_LIMIT_SECONDS } from '../../core/definitions/policy.ts';
import { KEY_MAX_LENGTH } from '../../core/limits/key.ts';
import {
  CATCH_UP,
  CATCH_UP_LIMIT,
  CRON_MAX_LENGTH,
  DESCRIPTION_MAX_LENGTH,
  GRACE_SECONDS,
  INTERVAL_LIMIT_SECONDS,
  JITTER_LIMIT_SECONDS,
  OVERLAP,
  SCHEDULE_MAX_ATTEMPTS_LIMIT,
  SCHEDULE_PRIORITY_LIMIT,
  TIMEZONE_MAX_LENGTH,
} from '../../core/schedules/settings.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';

const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

/** The settings that decide about times, for bodies. */
const timingProperties: Record<string, JsonSchema> = {
  cron: {
    type: ['string', 'null'],
    maxLength: CRON_MAX_LENGTH,
    description:
      'Five fields, or six with the seconds first; names (`MON`), `L`, `#` and `@daily` are known. Day of month and day of week are either-or; `+` before the day of week makes it both. Exactly one of `cron`, `every_seconds` and `at` is set',
  },
  every_seconds: {
    type: ['integer', 'null'],
    minimum: 1,
    maximum: INTERVAL_LIMIT_SECONDS,
    description: 'Equal steps of elapsed time, counted from `starts_at`, otherwise from 1970',
  },
  at: { ...nullableTime, description: 'A single time' },
  timezone: {
    type: 'string',
    minLength: 1,
    maxLength: TIMEZONE_MAX_LENGTH,
    default: 'UTC',
    description: 'The IANA time zone of `cron`, such as `Europe/Berlin`',
  },
  jitter_seconds: {
    type: 'number',
    minimum: 0,
    maximum: JITTER_LIMIT_SECONDS,
    default: 0,
    description:
      'Each time is handled later by up to this, always the same for one time, and before the next one',
  },
  starts_at: { ...nullableTime, description: 'There is no time before this one' },
  ends_at: { ...nullableTime, description: 'There is no time after this one' },
};

/** The settings of a schedule, for bodies (specification K1, K2, K5, K6). */
export const settingsProperties: Record<string, JsonSchema> = {
  task: { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH, description: 'The name of its task' },
  payload: { ...anyObject, description: 'The payload of each task. It must fit the definition of the task' },
  description: { type: ['string', 'null'], maxLength: DESCRIPTION_MAX_LENGTH },
  ...timingProperties,
  catch_up: {
    type: 'string',
    enum: [...CATCH_UP],
    default: 'last',
    description: `The rule for times that nobody handled because no runner was up. \`last\`: the newest one is submitted. \`all\`: the newest \`catch_up_max\` ones; only with \`overlap: allow\`. \`skip\`: none that is late by more than ${GRACE_SECONDS} seconds`,
  },
  catch_up_window_seconds: {
    type: 'integer',
    minimum: 1,
    maximum: INTERVAL_LIMIT_SECONDS,
    default: 604_800,
    description: 'Missed times that are older than this are skipped',
  },
  catch_up_max: { type: 'integer', minimum: 1, maximum: CATCH_UP_LIMIT, default: 100 },
  overlap: {
    type: 'string',
    enum: [...OVERLAP],
    default: 'skip',
    description:
      'The rule for a time when a task of the schedule has not finished. `skip`: the time is skipped. `queue_one`: one time waits for its end. `cancel_running`: the task is cancelled, and the time waits for its end. `allow`: both run',
  },
  priority: {
    type: ['integer', 'null'],
    minimum: -SCHEDULE_PRIORITY_LIMIT,
    maximum: SCHEDULE_PRIORITY_LIMIT,
    description: 'Smaller runs first. Null: that of the definition',
  },
  max_attempts: {
    type: ['integer', 'null'],
    minimum: 1,
    maximum: SCHEDULE_MAX_ATTEMPTS_LIMIT,
    description: 'Null: that of the definition',
  },
  expires_in_seconds: {
    type: ['integer', 'null'],
    minimum: 1,
    maximum: DELAY_LIMIT_SECONDS,
    description:
      'A task that has not started so long after its submission ends as `expired`. Null: as the definition says',
  },
  concurrency_key: {
    type: ['string', 'null'],
    minLength: 1,
    maxLength: KEY_MAX_LENGTH,
    description: 'The key of the limits of its tasks. Null: the one that the definition computes',
  },
  tags: {
    type: 'array',
    maxItems: 20,
    uniqueItems: true,
    items: { type: 'string', minLength: 1, maxLength: 100 },
    description: 'The tags of its tasks',
  },
};

/** The body that makes or changes a schedule. */
export const settingsBody: JsonSchema = {
  type: 'object',
  description: 'The settings of a schedule. A setting that is left out has its default',
  additionalProperties: false,
  required: ['task', 'payload'],
  properties: settingsProperties,
};

/** The body of a preview. */
export const timingBody: JsonSchema = {
  type: 'object',
  description: 'The timing of a schedule',
  additionalProperties: false,
  properties: timingProperties,
};
