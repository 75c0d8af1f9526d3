import type { Database } from '../database/pool.ts';
import { type Act, actValues } from './audit.ts';

/** A URL that callbacks of a namespace go to. */
export type Endpoint = { namespace: string; url: string };

/** An endpoint that answered 410, as on the wire. */
export type DisabledCallback = Endpoint & {
  disabled_at: string;
  /** The task whose callback it answered with 410. */
  task_id: string;
};

/** Whether an endpoint is disabled, and the current time. */
export async function readEndpoint(
  database: Database,
  { namespace, url }: Endpoint,
): Promise<{ disabled: boolean; now: string }> {
  const { rows } = await database.query<{ disabled: boolean; now: string }>({
    name: 'read_endpoint',
    text: `
      select exists (select from errand.disabled_callbacks where namespace = $1 and url = $2) as disabled,
             now() as now`,
    values: [namespace, url],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('Postgres returned no row for a query that always has one');
  return row;
}

/**
 * Disables an endpoint: nothing more is sent to it. If it is disabled already, the first entry
 * stays.
 */
export async function disableCallback(
  database: Database,
  { namespace, url, taskId }: Endpoint & { taskId: string },
): Promise<void> {
  await database.query({
    name: 'disable_callback',
    text: `
      insert into errand.disabled_callbacks (namespace, url, task_id)
      values ($1, $2, $3)
      on conflict do nothing`,
    values: [namespace, url, taskId],
  });
}

/**
 * The disabled endpoints of these namespaces, or of all, by namespace and URL: at most `limit`, and
 * whether there are more.
 */
export async function listDisabledCallbacks(
  database: Database,
  namespaces: readonly string[] | undefined,
  limit: number,
): Promise<{ callbacks: DisabledCallback[]; more: boolean }> {
  const { rows } = await database.query<DisabledCallback>({
    name: 'list_disabled_callbacks',
    text: `
      select namespace, url, disabled_at, task_id
        from errand.disabled_callbacks
       where $1::text[] is null or namespace = any ($1)
       order by namespace, url
       limit $2`,
    values: [namespaces, limit + 1],
  });
  return { callbacks: rows.slice(0, limit), more: rows.length > limit };
}

/**
 * Enables an endpoint again; the same statement writes the audit row. Gives whether it was
 * disabled.
 */
export async function enableCallback(
  database: Database,
  { namespace, url }: Endpoint,
  act: Act,
): Promise<boolean> {
  const { rows } = await database.query({
    name: 'enable_callback',
    text: `
      with enabled as (
        delete from errand.disabled_callbacks
         where namespace = $5 and url = $6
        returning namespace, url, disabled_at, task_id
      )
      insert into errand.audit (actor, action, namespace, target, reason, request_id, details)
      select $1, 'enable_callback', namespace, url, $2, $3,
             jsonb_build_object('disabled_at', disabled_at, 'task_id', task_id) || coalesce($4::jsonb, '{}')
        from enabled
      returning id`,
    values: [...actValues(act), namespace, url],
  });
  return rows.length > 0;
}
