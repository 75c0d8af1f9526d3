import type { ErrorRecord } from '../../core/errors.ts';
import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { type Act, actValues } from './audit.ts';

/**
 * A delivery of a message to a callback, as on the wire. It is a built-in task. Times are ISO 8601.
 */
export type Delivery = {
  id: string;
  /** The same for all deliveries of a message. */
  message_id: string;
  type: string;
  url: string;
  state: State;
  created_at: string;
  /** When the next attempt is due; null if there is none. */
  next_attempt_at: string | null;
  attempts: DeliveryAttempt[];
};

/** One attempt to send a message. */
export type DeliveryAttempt = {
  attempt: number;
  outcome: string;
  started_at: string | null;
  finished_at: string | null;
  /** The duration of the attempt. */
  duration_ms: number | null;
  /** The status of the answer; null if there was none. */
  status: number | null;
  error: ErrorRecord | null;
};

type DeliveryRow = Omit<Delivery, 'attempts'>;
type AttemptRow = DeliveryAttempt & { task_id: string };

/**
 * The deliveries of a task, newest first: at most `limit`, and whether there are more. Null if
 * there is no such task that the caller may see. Uses tasks_callback_of_idx and the primary key of
 * errand.attempts.
 */
export async function listDeliveries(
  database: Database,
  taskId: string,
  visibility: Visibility,
  limit: number,
): Promise<{ deliveries: Delivery[]; more: boolean } | null> {
  const { rows } = await database.query<DeliveryRow | { id: null }>({
    name: 'list_deliveries',
    text: `
      select d.id, d.payload ->> 'message_id' as message_id, d.payload #>> '{body,type}' as type,
             d.payload ->> 'url' as url, d.state, errand.uuid_time(d.id) as created_at,
             case when d.state in ('scheduled', 'queued', 'retrying') then d.run_at end as next_attempt_at
        from errand.tasks t
        left join errand.tasks d on d.callback_of = t.id
       where t.id = $1 and ${isVisible('$2', '$3')}
       order by d.id desc
       limit $4`,
    values: [taskId, ...visibilityValues(visibility), limit + 1],
  });
  if (rows.length === 0) return null;
  const found = rows.filter((row): row is DeliveryRow => row.id !== null);
  const shown = found.slice(0, limit);
  const attempts = await readAttempts(
    database,
    shown.map(({ id }) => id),
  );
  const deliveries = shown.map((row) => ({ ...row, attempts: attempts.get(row.id) ?? [] }));
  return { deliveries, more: found.length > limit };
}

/**
 * The attempts of these deliveries, first to last. A running or succeeded attempt is in the row of
 * its task.
 */
async function readAttempts(
  database: Database,
  ids: readonly string[],
): Promise<Map<string, DeliveryAttempt[]>> {
  const { rows } = await database.query<AttemptRow>({
    name: 'list_delivery_attempts',
    text: `
      with made as (
        select a.task_id, a.attempt, a.outcome, a.started_at, a.finished_at,
               (a.error #>> '{metadata,status}')::integer as status,
               -- A stack of Errand's code says nothing about the endpoint.
               jsonb_set(a.error, '{stack}', 'null') as error
          from errand.attempts a
         where a.task_id = any ($1)
         union all
        select t.id, t.attempt, t.state, t.started_at, t.finished_at, (t.result ->> 'status')::integer, null
          from errand.tasks t
         where t.id = any ($1) and t.state in ('running', 'succeeded')
      )
      select made.*, round(errand.duration_ms(finished_at - started_at))::integer as duration_ms
        from made
       order by task_id, attempt`,
    values: [ids],
  });
  const byTask = new Map<string, DeliveryAttempt[]>();
  for (const { task_id, ...attempt } of rows) byTask.set(task_id, [...(byTask.get(task_id) ?? []), attempt]);
  return byTask;
}

/** A delivery with its message. `id` is null if the task has no such delivery. */
export type FoundDelivery = { name: string; id: string | null; state: State | null; payload: unknown };

/**
 * Finds a delivery of a task. Null if there is no such task that the caller may see; its `id` is
 * null if the task has no such delivery.
 */
export async function findDelivery(
  database: Database,
  { taskId, deliveryId }: { taskId: string; deliveryId: string },
  visibility: Visibility,
): Promise<FoundDelivery | null> {
  const { rows } = await database.query<FoundDelivery>({
    name: 'find_delivery',
    text: `
      select t.name, d.id, d.state, d.payload
        from errand.tasks t
        left join errand.tasks d on d.callback_of = t.id and d.id = $2
       where t.id = $1 and ${isVisible('$3', '$4')}`,
    values: [taskId, deliveryId, ...visibilityValues(visibility)],
  });
  return rows[0] ?? null;
}

/** Writes the audit row of a message that was sent again, with the new delivery. */
export async function auditResend(
  database: Database,
  { taskId, name }: { taskId: string; name: string },
  act: Act,
  details: { delivery_id: string; resent_as: string },
): Promise<void> {
  await database.query({
    name: 'audit_resend',
    text: `
      insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
      values ($1, 'resend', $5, split_part($6, '.', 1), $6, $2, $3, $7::jsonb || coalesce($4::jsonb, '{}'))`,
    values: [...actValues(act), taskId, name, JSON.stringify(details)],
  });
}
