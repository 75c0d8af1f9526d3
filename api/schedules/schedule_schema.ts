import { SCHEDULE_ID_MAX_LENGTH, SCHEDULE_ID_PATTERN } from '../../core/schedules/settings.ts';
import { SKIP_REASONS } from '../../core/schedules/skip_reasons.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { SCHEDULE_ORIGINS, SCHEDULE_STATES } from '../../store/schedules/read.ts';
import { SUMMED_UP_RUNS } from '../../store/schedules/runs.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { extended, object, ref } from '../openapi/schemas/schemas.ts';
import { settingsBody, settingsProperties, timingBody } from './settings_schema.ts';

const text: JsonSchema = { type: 'string' };
const nullableText: JsonSchema = { type: ['string', 'null'] };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

/** The schedule of a path. */
export const scheduleIdParameter: Parameter = {
  name: 'schedule_id',
  in: 'path',
  required: true,
  description: 'The id of the schedule. It begins with the namespace of its task',
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: SCHEDULE_ID_MAX_LENGTH,
    pattern: SCHEDULE_ID_PATTERN.source,
  },
};

const { payload: _payload, ...withoutPayload } = settingsProperties;

const summary: Record<string, JsonSchema> = {
  id: text,
  task: { ...text, description: 'The name of its task' },
  namespace: text,
  origin: {
    type: 'string',
    enum: [...SCHEDULE_ORIGINS],
    description: '`code`: the files of a repository have it, and only they change it',
  },
  owner: { ...nullableText, description: 'The repository of a schedule in code. Null if it is not known' },
  state: {
    type: 'string',
    enum: [...SCHEDULE_STATES],
    description: '`ended`: it has no more times. `broken`: its times are not handled until it is mended',
  },
  in_words: { ...text, description: 'Its timing in words' },
  revision: { type: 'integer', minimum: 1, description: 'Counts its changes, firings included' },
  created_at: time,
  updated_at: { ...time, description: 'When its settings last changed' },
  last_at: { ...nullableTime, description: 'All times up to this one are handled: submitted or skipped' },
  next_at: {
    ...nullableTime,
    description: 'The next time. Null if there is none, and while it is paused or broken',
  },
  held_for: { ...nullableTime, description: 'A time that waits for the end of an earlier run' },
  paused: {
    anyOf: [ref('SchedulePause'), { type: 'null' }],
    description: 'Null if it is not paused',
  },
  broken: {
    anyOf: [ref('ScheduleBreak'), { type: 'null' }],
    description: 'Why its times are not handled. Null if it is not broken',
  },
};

/** A schedule with its payload and its next times. */
const complete: Record<string, JsonSchema> = {
  ...summary,
  settings: object('Its settings', {
    ...settingsProperties,
    payload: {
      ...anyObject,
      description: 'The payload, with `***` in place of secrets in the headers of `http.request`',
    },
  }),
  next_times: {
    type: 'array',
    maxItems: 10,
    items: ref('ScheduleTime'),
    description: 'The next ten times by its timing. They are not handled while it is paused or broken',
  },
};

const run: Record<string, JsonSchema> = {
  scheduled_for: { ...time, description: 'The time; of a range of skipped times the first one' },
  until: { ...nullableTime, description: 'The last time of a range of skipped times' },
  times: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'How many times these are. Null if they were too many to count',
  },
  outcome: { type: 'string', enum: ['submitted', 'skipped'] },
  reason: {
    type: ['string', 'null'],
    enum: [...SKIP_REASONS, null],
    description:
      'Why it was skipped. `overlap`: an earlier run had not ended. `missed`: it was late, and the catch-up leaves it out. `replaced`: it waited for a run to end, and a newer time took its place',
  },
  cause: {
    type: 'string',
    enum: ['time', 'backfill', 'trigger'],
    description: 'Why it was submitted. `trigger`: by hand, and not for a time of the schedule',
  },
  task: {
    anyOf: [ref('ScheduleTask'), { type: 'null' }],
    description: 'The submitted task; for `overlap` the task of the earlier run',
  },
  at: { ...time, description: 'When this was recorded' },
  message: { ...text, description: 'The same in words' },
};

/** The component schemas of schedules that several operations share. */
export const scheduleSchemas: Record<string, JsonSchema> = {
  ScheduleSettings: settingsBody,
  ScheduleTiming: timingBody,
  SchedulePause: object('A pause by an operator', {
    at: time,
    actor: nullableText,
    reason: nullableText,
  }),
  ScheduleBreak: object('Why a schedule is broken', { at: nullableTime, message: text }),
  ScheduleTime: object('A time of a schedule', {
    at: time,
    local: { ...text, description: 'The same in the time zone of the schedule, with the offset' },
  }),
  ScheduleTask: object('A task of a schedule', {
    id: { type: 'string', format: 'uuid' },
    state: {
      type: ['string', 'null'],
      enum: [...STATES, null],
      description: 'Null if its record was removed',
    },
  }),
  ScheduleSummary: object('A schedule, as in lists', {
    ...summary,
    settings: object('Its settings without the payload', withoutPayload),
  }),
  Schedule: object('A schedule with its next times', complete),
  ShownSchedule: {
    type: 'object',
    description:
      'A schedule, as far as these credentials may read it. Without the scope `read`, only its id and its state',
    required: ['id', 'state'],
    properties: complete,
  },
  ScheduleRun: object('The outcome of a time, or of a range of skipped times', run),
  ScheduleRecord: extended('Schedule', 'A schedule with its newest history', {
    last_runs: {
      type: 'array',
      maxItems: 10,
      items: ref('ScheduleRun'),
      description: 'The newest ten entries of its history. `GET /v1/schedules/{id}/runs` lists all',
    },
    skipped: {
      ...object(
        `How many times were skipped, by reason: in the newest ${SUMMED_UP_RUNS} entries about skipped times`,
        Object.fromEntries(SKIP_REASONS.map((reason) => [reason, { type: 'integer', minimum: 0 }])),
      ),
    },
  }),
  ScheduleAnswer: object('The schedule after the operation', {
    schedule: ref('ShownSchedule'),
    changed: { type: 'boolean', description: 'Whether this operation changed it' },
    message: text,
  }),
};
