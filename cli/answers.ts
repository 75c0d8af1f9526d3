import { z } from 'zod';

// The parts of answers that the commands read, of operations for which the client has no method. `--json` prints the
// answers as they come, so fields that no table shows are not here.

const time = z.string();
const seconds = z.number().nullable();
const count = z.number();

/** `GET /v1/tasks`, of which only the sum is read. */
export const totalSchema = z.object({ total: count, total_is_estimate: z.boolean() });

/** `POST /v1/tasks/retry` and `/cancel`. */
export const bulkSchema = z.object({
  matched: count,
  matched_is_estimate: z.boolean(),
  changed: count.nullable(),
  task: z.object({ id: z.string() }).nullable(),
  message: z.string(),
});

const pauseSchema = z.object({
  target: z.string(),
  paused_at: time,
  actor: z.string(),
  reason: z.string().nullable(),
});
export type Pause = z.output<typeof pauseSchema>;

/** `PUT /v1/queues/{queue}/pause` and `/resume`. */
export const queueAnswerSchema = z.object({ queue: z.string(), message: z.string() });

/** `GET /v1/queues`. */
export const queuesSchema = z.object({
  queues: z.array(z.object({ name: z.string(), namespace: z.string(), pauses: z.array(pauseSchema) })),
});

/** `GET /v1/errors`. */
export const errorsSchema = z.object({
  groups: z.array(
    z.object({
      error_group: z.string(),
      name: z.string(),
      error_type: z.string(),
      message: z.string(),
      count,
      count_is_capped: z.boolean(),
      first_seen: time,
      last_seen: time,
    }),
  ),
  is_truncated: z.boolean(),
});
export type ErrorGroup = z.output<typeof errorsSchema>['groups'][number];

/** `GET /v1/runners`. */
export const runnersSchema = z.object({
  runners: z.array(
    z.object({
      id: count,
      host: z.string(),
      pid: count,
      version: z.string(),
      started_at: time,
      heartbeat_at: time,
      overdue: z.boolean(),
      in_flight: count,
      serves: z.array(z.string()).nullish(),
      concurrency: count,
      task_names: z.array(z.string()),
      ended_at: time.nullable(),
      end_reason: z.string().nullable(),
    }),
  ),
});
export type Runner = z.output<typeof runnersSchema>['runners'][number];

/** `GET /v1/audit`. */
export const auditSchema = z.object({
  entries: z.array(
    z.object({
      id: count,
      at: time,
      actor: z.string(),
      action: z.string(),
      task_id: z.string().nullable(),
      target: z.string().nullable(),
      reason: z.string().nullable(),
      details: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});
export type AuditEntry = z.output<typeof auditSchema>['entries'][number];

const durationsSchema = z.object({ average: seconds, p50: seconds, p95: seconds, p99: seconds });
const figures = {
  finished: z.record(z.string(), count),
  success_rate: z.number().nullable(),
  attempts_per_task: z.number().nullable(),
  processing_seconds: durationsSchema,
  queue_wait_seconds: durationsSchema,
  open: z.record(z.string(), count),
  open_is_capped: z.boolean(),
};

/** `GET /v1/tasks/stats`. */
export const statsSchema = z.object({
  from: time,
  to: time,
  total: z.object(figures),
  names: z.array(z.object({ name: z.string(), ...figures })),
});
export type Stats = z.output<typeof statsSchema>;
export type NameStats = Stats['names'][number];

/** `GET /v1/analytics/bottlenecks`, of which the waiting names and the pauses are read. */
export const bottlenecksSchema = z.object({
  waiting: z.array(
    z.object({
      name: z.string(),
      queue_depth: count,
      queue_depth_is_capped: z.boolean(),
      oldest_wait_seconds: count,
    }),
  ),
  paused: z.array(pauseSchema),
});
export type Bottlenecks = z.output<typeof bottlenecksSchema>;
