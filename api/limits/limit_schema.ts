import { MAX_LIMIT } from '../../core/limits/define_limit.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { LIMIT_READ_LIMIT } from '../../store/limits/read.ts';
import { COMPARED_KEYS, KEY_READ_LIMIT, NAMED_TASKS } from '../../store/limits/read_keys.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { extended, object, ref } from '../openapi/schemas/schemas.ts';

const text: JsonSchema = { type: 'string' };
const nullableText: JsonSchema = { type: ['string', 'null'] };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const flag: JsonSchema = { type: 'boolean' };
const list = (items: JsonSchema, description: string): JsonSchema => ({ type: 'array', items, description });

/** The names of limits: of a task, with a word for the kind of its rule, or of `defineLimit`. */
const LIMIT_NAME = '^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_-]*)+(:[a-z]+)*$';

/** The limit of a path. */
export const limitNameParameter: Parameter = {
  name: 'limit_name',
  in: 'path',
  required: true,
  description:
    'The name of the limit: that of `defineLimit`, or that of a task, with `:key` for its rule with a key, `:rate` for its rate, or `:rate:key` for its rate with a key',
  schema: { type: 'string', minLength: 1, maxLength: 200, pattern: LIMIT_NAME },
};

/** A value of a limit that an operator sets. */
export const limitValue: JsonSchema = {
  type: ['integer', 'null'],
  minimum: 1,
  maximum: MAX_LIMIT,
  description:
    'The value in place of the declared one; for a limit with keys, that of each key. Null: no limit. It holds until it is removed, also after deployments',
};

const complete: Record<string, JsonSchema> = {
  name: text,
  namespace: text,
  kind: {
    type: 'string',
    enum: ['concurrency', 'rate'],
    description: '`concurrency`: how many attempts run at a time. `rate`: how many start in a period',
  },
  is_keyed: { ...flag, description: 'Whether the values hold for each key' },
  rate: {
    anyOf: [ref('LimitRate'), { type: 'null' }],
    description: 'The times of a rate. Null for a limit of what runs at a time',
  },
  limit: { type: ['integer', 'null'], minimum: 1, description: 'The value that holds. Null: no limit' },
  paused: { ...flag, description: 'Whether an operator has paused it: nothing starts under it' },
  declared: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'The value of the definitions. Null if no registered definition has the limit',
  },
  definitions: list(text, 'The definitions that have it, at most 20, in the namespaces of the caller'),
  setting: {
    anyOf: [ref('LimitSetting'), { type: 'null' }],
    description: 'The settings of operators. Null if there are none',
  },
  holders: { ...count, description: `How many slots are taken, up to ${LIMIT_READ_LIMIT}. A rate has none` },
  holders_is_capped: { ...flag, description: 'Whether there are more: then the count is a lower bound' },
  waiters: { ...count, description: `How many tasks wait for a slot, up to ${LIMIT_READ_LIMIT}` },
  waiters_is_capped: { ...flag, description: 'Whether there are more: then the count is a lower bound' },
  oldest_waiter_since: {
    ...nullableTime,
    description:
      'When the task was due that waits the longest, of those that were counted. Null if none waits',
  },
};

const counted = (what: string): Record<string, JsonSchema> => ({
  [what]: { ...count, description: `Up to ${KEY_READ_LIMIT}` },
  [`${what}_is_capped`]: { ...flag, description: 'Whether there are more: then the count is a lower bound' },
});

/** The component schemas of limits. */
export const limitSchemas: Record<string, JsonSchema> = {
  LimitSetting: object('The settings of operators for a limit, and the author of their last change', {
    has_limit: { ...flag, description: 'Whether `limit` replaces the declared value' },
    limit: { type: ['integer', 'null'], minimum: 1, description: 'Null: no limit, or not set' },
    paused: flag,
    actor: nullableText,
    at: time,
    reason: nullableText,
  }),
  LimitRate: object(
    'The times of a rate: at most `burst` attempts start in any `window_seconds`, and so at most `limit` in any `period_seconds`',
    {
      period_seconds: { type: 'number' },
      burst: { type: ['integer', 'null'], minimum: 1, description: 'Null: no limit' },
      window_seconds: { type: 'number' },
      starts: {
        ...count,
        description: 'The starts of the last `window_seconds`; of a rate with keys those of all keys',
      },
      starts_is_capped: { ...flag, description: 'Whether there are more: then the count is a lower bound' },
    },
  ),
  Limit: object(
    'A limit with the settings of operators, and how many tasks hold it and wait for it',
    complete,
  ),
  LimitList: object('One page of limits, by name', {
    limits: { type: 'array', items: ref('Limit') },
    next_cursor: { ...nullableText, description: 'The cursor of the next page. Null on the last page' },
  }),
  LimitKey: object('A key of a limit that is in use', {
    key: { ...text, description: 'Empty for a limit without keys' },
    ...counted('holders'),
    ...counted('waiters'),
    oldest_waiter_since: nullableTime,
    starts: {
      type: ['integer', 'null'],
      minimum: 0,
      description: 'Of a rate: the starts of the last `window_seconds`. Otherwise null',
    },
    next_start_at: {
      ...nullableTime,
      description:
        'When the next attempt may start, as far as time decides: enough starts are older than the window of the rate, and a hold by `RateLimited` is over. Null: now, or when a slot is free',
    },
  }),
  LimitHolder: object('An attempt that holds a slot', {
    id: { type: 'string', format: 'uuid' },
    name: text,
    step: nullableText,
    key: text,
    runner_id: { type: 'integer' },
    since: time,
  }),
  LimitWaiter: object('A task that waits for a slot', {
    id: { type: 'string', format: 'uuid' },
    name: text,
    key: text,
    priority: { type: 'integer' },
    since: { ...time, description: 'When it was due' },
    called_at: {
      ...nullableTime,
      description:
        'A slot is kept for it since then, for a few seconds: it starts as soon as a runner takes it',
    },
  }),
  LimitRecord: extended('Limit', 'A limit with its keys and its tasks', {
    keys: list(
      ref('LimitKey'),
      `The keys in use, those with the most waiters first. They are the busiest of the first ${COMPARED_KEYS} keys`,
    ),
    keys_is_capped: { ...flag, description: 'Whether there are more keys than were compared' },
    keys_are_hidden: {
      ...flag,
      description:
        'Whether `keys` is empty because definitions in other namespaces share the limit: keys may be personal data',
    },
    holding: list(
      ref('LimitHolder'),
      `The tasks that have held their slots for the longest time, at most ${NAMED_TASKS}, in the namespaces of the caller`,
    ),
    waiting: list(
      ref('LimitWaiter'),
      `The first tasks that wait, at most ${NAMED_TASKS}, in the namespaces of the caller: of a key by priority and due time, otherwise the longest due ones`,
    ),
  }),
  ShownLimit: {
    type: 'object',
    description:
      'A limit, as far as these credentials may read it. Without the scope `read`, only its name and whether it is paused',
    required: ['name', 'paused'],
    properties: complete,
  },
  LimitAnswer: object('The limit after the operation', {
    limit: ref('ShownLimit'),
    changed: { ...flag, description: 'Whether this operation changed it' },
    message: text,
  }),
};
