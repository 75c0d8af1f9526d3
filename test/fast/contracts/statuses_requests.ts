import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { storeSchedule } from '../../support/schedules.ts';
import { submitOne } from '../../support/tasks.ts';
import { type ApiRequest, encode, type Located } from './requests.ts';

/** What stands in a path for each of its parameters: a value that there is, and one that there is not. */
export type InPath = Record<string, { known: string; unknown: string }>;

/** A task that there is, a step of it, and a delivery. */
export type KnownTask = { id: string; stepId: string; deliveryId?: string };

/** Puts a task into the ledger that has a step, and gives both. */
export async function submitWithStep(
  pool: Pool,
  payload: unknown = { message: 'here' },
  tags = ['a'],
): Promise<KnownTask> {
  const name = 'example.echo';
  const row = {
    name: `${name}.a`,
    after: [],
    priority: null,
    max_attempts: 1,
    conditional: false,
    child: null,
  };
  const { id } = await submitOne(pool, {
    name,
    payload,
    tags,
    steps: [{ step: 'a', kind: 'handler', ...row }],
  });
  const { rows } = await pool.query<{ id: string }>('select id from errand.tasks where parent_id = $1', [id]);
  return { id, stepId: rows[0]?.id ?? '' };
}

/** Puts a delivery of a task into the ledger, which has failed unless it is in another state, and gives its id. */
export async function submitDelivery(
  pool: Pool,
  taskId: string,
  state: 'failed' | 'queued' = 'failed',
): Promise<string> {
  const data = { id: taskId, name: 'example.echo', state: 'failed' };
  const body = { type: 'task.failed', timestamp: '2026-01-01T00:00:00.000Z', data };
  const url = 'https://shop.example.com/errand';
  const payload = { url, message_id: 'msg_1', namespace: 'example', body };
  const { id } = await submitOne(pool, { name: 'webhook.deliver', payload, callbackOf: taskId });
  if (state === 'failed')
    await pool.query(
      `update errand.tasks set state = 'failed', finished_at = now(), dispatch_id = null where id = $1`,
      [id],
    );
  return id;
}

/** A schedule that there is: see `storeSchedule`. */
export const KNOWN_SCHEDULE = 'example.known';

/** Stores the schedule that paths name, with a history: a time that ran, and a range that did not. */
export async function storeKnownSchedule(pool: Pool): Promise<void> {
  await storeSchedule(pool, { id: KNOWN_SCHEDULE, nextAt: '2099-01-01T00:00:00Z' });
  await pool.query(
    `insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason, until, times, task_id)
     values ($1, '2026-01-01T00:00:00Z', 'submitted', null, null, null, errand.uuidv7()),
            ($1, '2026-01-01T00:01:00Z', 'skipped', 'missed', '2026-01-02T00:00:00Z', null, null)`,
    [KNOWN_SCHEDULE],
  );
}

/** A bulk operation that there is: see `storeKnownBulk`. */
const KNOWN_BULK = randomUUID();

/** Stores the bulk operation that paths name. */
export async function storeKnownBulk(pool: Pool): Promise<void> {
  await pool.query(
    `insert into errand.audit (actor, action, details) values ('user:ann', 'bulk_retry', jsonb_build_object('bulk', $1::text))`,
    [KNOWN_BULK],
  );
}

/** A limit that there is. */
export const KNOWN_LIMIT = 'example.known';

/** Stores the limit that paths name, with a task that waits for it. */
export async function storeKnownLimit(pool: Pool): Promise<void> {
  await pool.query('insert into errand.limits (name, declared_slots) values ($1, 2)', [KNOWN_LIMIT]);
  await pool.query(
    `insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     values (errand.uuidv7(), $1, 'ann', 'example.echo', '1', 0, now(), 0, now(), gen_random_uuid())`,
    [KNOWN_LIMIT],
  );
}

/** Of the shipped definitions, KNOWN_LIMIT and KNOWN_SCHEDULE. */
export function inPath({ id, stepId, deliveryId = randomUUID() }: KnownTask): InPath {
  return {
    id: { known: id, unknown: randomUUID() },
    step_id: { known: stepId, unknown: randomUUID() },
    source: { known: 'shop', unknown: 'nothing' },
    delivery_id: { known: deliveryId, unknown: randomUUID() },
    limit_name: { known: KNOWN_LIMIT, unknown: 'example.nothing' },
    schedule_id: { known: KNOWN_SCHEDULE, unknown: 'example.nothing' },
    // A workflow, which is a task as well.
    name: { known: 'diamond', unknown: 'nothing' },
    namespace: { known: 'example', unknown: 'nothing' },
    queue: { known: 'example.fail', unknown: 'example.nothing' },
    error_group: { known: 'example.echo:none', unknown: 'example.nothing:none' },
    bulk_id: { known: KNOWN_BULK, unknown: randomUUID() },
  };
}

/**
 * A request for an operation with the example that the document has of its body. `things` is what its path names.
 * Throws when the path has a parameter that nothing is known for.
 */
export function requestFor(
  { path, method, operation }: Located,
  things: InPath,
  which: 'known' | 'unknown' = 'known',
): ApiRequest {
  const example = operation.requestBody?.content['application/json']?.example;
  return {
    method: method.toUpperCase(),
    path: path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
      const thing = things[name];
      if (thing === undefined) {
        throw new Error(
          `Nothing is known for {${name}} of ${path}: add it in test/fast/contracts/statuses_requests.ts`,
        );
      }
      return encode(thing[which]);
    }),
    query: [],
    headers: example === undefined ? {} : { 'content-type': 'application/json' },
    ...(example === undefined ? {} : { json: example }),
  };
}
