import type { Pool } from 'pg';
import { KNOWN_SCHEDULE } from './statuses_requests.ts';

/** Names are code, not data: a deployment has as many as were written. */
const MAX_NAMES = 900;

/** Puts so many of everything that is listed into the ledger, of many names, and children of a task. */
export async function fillLists(pool: Pool, count: number, parentId: string): Promise<void> {
  const statements = [
    `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
     select 'many.n' || n, 'many', '1', '', '{}', '{}' from generate_series(1, least($1::integer, ${MAX_NAMES})) n`,
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs)
     select 'host', n, '1', array['example.echo'], 1, 3600 from generate_series(1, $1::integer) n`,
    `insert into errand.pauses (target, actor) select 'many.n' || n, 'user:ann' from generate_series(1, $1::integer) n`,
    `insert into errand.audit (actor, action) select 'user:ann', 'retry' from generate_series(1, $1::integer) n`,
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, finished_at, error)
     select 'many.n' || n % ${MAX_NAMES}, '1', 'failed', 0, 1, now(), '{}', now(),
            jsonb_build_object('error_type', 'Error', 'message', 'no', 'error_code', null, 'retryable', true,
                               'metadata', null, 'stack', null)
       from generate_series(1, $1::integer) n`,
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
     select 'many.n' || n % ${MAX_NAMES}, '1', 'queued', 0, 1, now(), '{}' from generate_series(1, $1::integer) n`,
    `insert into errand.schedules (id, task, origin, settings, submission)
     select 'many.n' || n, 'many.n1', 'api', '{"task": "many.n1", "payload": {}, "every_seconds": 60}', '{}'
       from generate_series(1, $1::integer) n`,
    `insert into errand.schedule_runs (schedule_id, scheduled_for, outcome)
     select '${KNOWN_SCHEDULE}', now() - n * interval '1 minute', 'submitted' from generate_series(1, $1::integer) n`,
    `insert into errand.disabled_callbacks (namespace, url, task_id)
     select 'many', 'https://n' || n || '.test/', errand.uuidv7() from generate_series(1, $1::integer) n`,
  ];
  for (const statement of statements) await pool.query(statement, [count]);
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, parent_id)
     select 'many.n1', '1', 'queued', 0, 1, now(), '{}', $2 from generate_series(1, $1::integer) n`,
    [count, parentId],
  );
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, callback_of)
     select 'webhook.deliver', '1', 'queued', 0, 1, now(), $3, $2 from generate_series(1, $1::integer) n`,
    [count, parentId, { url: 'https://n.test/', message_id: 'msg_1', body: { type: 'task.failed' } }],
  );
}
