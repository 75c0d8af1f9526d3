import { z } from 'zod';

// The parts of answers about limits that tables show. Other fields stay for `--json`.

const time = z.string();
const text = z.string().nullable();
const count = z.number();

const limitFields = {
  name: z.string(),
  kind: z.string(),
  is_keyed: z.boolean(),
  rate: z
    .looseObject({
      period_seconds: count,
      burst: count.nullable(),
      window_seconds: count,
      starts: count,
      starts_is_capped: z.boolean(),
    })
    .nullable(),
  limit: count.nullable(),
  paused: z.boolean(),
  declared: count.nullable(),
  definitions: z.array(z.string()),
  setting: z
    .looseObject({ has_limit: z.boolean(), limit: count.nullable(), actor: text, at: time, reason: text })
    .nullable(),
  holders: count,
  holders_is_capped: z.boolean(),
  waiters: count,
  waiters_is_capped: z.boolean(),
  oldest_waiter_since: time.nullable(),
};
const limitSchema = z.looseObject(limitFields);
export type Limit = z.output<typeof limitSchema>;

/** A page of limits. */
export const listSchema = z.looseObject({ limits: z.array(limitSchema), next_cursor: text });

const keySchema = z.looseObject({
  key: z.string(),
  holders: count,
  holders_is_capped: z.boolean(),
  waiters: count,
  waiters_is_capped: z.boolean(),
  oldest_waiter_since: time.nullable(),
  starts: count.nullable(),
  next_start_at: time.nullable(),
});
export type LimitKey = z.output<typeof keySchema>;

const holderSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  key: z.string(),
  runner_id: count,
  since: time,
});
export type LimitHolder = z.output<typeof holderSchema>;

const waiterSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  key: z.string(),
  priority: count,
  since: time,
  called_at: time.nullable(),
});
export type LimitWaiter = z.output<typeof waiterSchema>;

/** A limit with its keys and its tasks. */
export const recordSchema = z.looseObject({
  ...limitFields,
  keys: z.array(keySchema),
  keys_is_capped: z.boolean(),
  keys_are_hidden: z.boolean(),
  holding: z.array(holderSchema),
  waiting: z.array(waiterSchema),
});
export type LimitRecord = z.output<typeof recordSchema>;

/** The answer to a change. */
export const changeSchema = z.looseObject({ message: z.string() });
