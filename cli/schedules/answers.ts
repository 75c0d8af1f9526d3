import { z } from 'zod';

// The parts of answers about schedules that tables show. Other fields stay for `--json`.

const time = z.string();
const text = z.string().nullable();
const count = z.number();

const timeSchema = z.looseObject({ at: time, local: z.string() });
export type ScheduleTime = z.output<typeof timeSchema>;

const taskSchema = z.looseObject({ id: z.string(), state: text });

/** An entry of the history: a time, or a range of skipped times. */
const runSchema = z.looseObject({
  scheduled_for: time,
  until: time.nullable(),
  times: count.nullable(),
  outcome: z.string(),
  reason: text,
  cause: z.string(),
  task: taskSchema.nullable(),
  at: time,
  message: z.string(),
});
export type ScheduleRun = z.output<typeof runSchema>;

const summaryFields = {
  id: z.string(),
  task: z.string(),
  origin: z.string(),
  owner: text,
  state: z.string(),
  in_words: z.string(),
  created_at: time,
  last_at: time.nullable(),
  next_at: time.nullable(),
  held_for: time.nullable(),
  paused: z.looseObject({ at: time, actor: text, reason: text }).nullable(),
  broken: z.looseObject({ at: time.nullable(), message: z.string() }).nullable(),
};

const summarySchema = z.looseObject(summaryFields);
export type ScheduleSummary = z.output<typeof summarySchema>;

/** `GET /v1/schedules`. */
export const listSchema = z.object({ schedules: z.array(summarySchema), next_cursor: text });

/** `GET /v1/schedules/{schedule_id}`. */
export const recordSchema = z.looseObject({
  ...summaryFields,
  settings: z.looseObject({
    payload: z.unknown(),
    description: text,
    timezone: z.string(),
    catch_up: z.string(),
    overlap: z.string(),
    tags: z.array(z.string()),
  }),
  next_times: z.array(timeSchema),
  last_runs: z.array(runSchema),
  skipped: z.record(z.string(), count),
});
export type ScheduleRecord = z.output<typeof recordSchema>;

/** The answer of an operation that changes a schedule. */
export const changeSchema = z.looseObject({ message: z.string() });

/** `POST /v1/schedules/{schedule_id}/trigger`. */
export const triggerSchema = z.looseObject({ task: z.looseObject({ id: z.string() }), message: z.string() });

/** `POST /v1/schedules/{schedule_id}/backfill`. */
export const backfillSchema = z.looseObject({
  submitted: count,
  tasks: z.array(z.looseObject({ local: z.string(), outcome: z.string(), task_id: text })),
  message: z.string(),
});
export type BackfilledTime = z.output<typeof backfillSchema>['tasks'][number];

/** `POST /v1/schedules/preview`. */
export const previewSchema = z.looseObject({ in_words: z.string(), next_times: z.array(timeSchema) });

/** `GET /v1/schedules/{schedule_id}/runs`. */
export const runsSchema = z.object({ runs: z.array(runSchema), next_cursor: text });

/** `GET /v1/schedules/{schedule_id}/explain`. */
export const explanationSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  summary: z.string(),
  next_steps: z.array(z.string()),
  in_words: z.string(),
  run: z.looseObject({ task: taskSchema.nullable() }).nullable(),
  nearest: z.object({ before: timeSchema.nullable(), after: timeSchema.nullable() }),
  open_tasks: z.array(taskSchema),
  next: timeSchema.nullable(),
  held_for: timeSchema.nullable(),
  explained_at: time,
});
export type ScheduleExplanation = z.output<typeof explanationSchema>;
