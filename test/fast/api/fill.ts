import type { Pool } from 'pg';
import type { State } from '../../../core/states.ts';

/** A row of the ledger as a test wants it; what is not given is the simplest. */
export type Row = {
  name?: string;
  state?: State;
  tags?: string[];
  initiator?: string;
  /** The message of its error. */
  error?: string;
  created?: string;
  finished?: string;
};

let count = 0;

/** A UUIDv7 of this very millisecond, larger than all before it of the same. */
function idAt(time: string): string {
  const ms = Date.parse(time).toString(16).padStart(12, '0');
  const serial = (++count).toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-${serial}`;
}

/** Writes rows into the ledger, past everything, and gives their ids. */
export async function fill(pool: Pool, rows: Row[]): Promise<string[]> {
  const values = rows.map((row) => ({
    id: idAt(row.created ?? new Date().toISOString()),
    name: row.name ?? 'example.echo',
    state: row.state ?? 'queued',
    tags: row.tags ?? [],
    initiator: row.initiator ?? null,
    finished_at: row.finished ?? null,
    error:
      row.error === undefined
        ? null
        : {
            error_type: 'Error',
            message: row.error,
            error_code: null,
            retryable: true,
            metadata: null,
            stack: null,
          },
  }));
  await pool.query(
    `insert into errand.tasks (id, name, version, state, priority, max_attempts, run_at, payload, tags, initiator, finished_at, error)
     select id, name, '1.0.0', state, 0, 25, now(), '{"message":"a"}', tags, initiator, finished_at, error
       from jsonb_to_recordset($1::jsonb) as r (id uuid, name text, state text, tags text[], initiator text, finished_at timestamptz, error jsonb)`,
    [JSON.stringify(values)],
  );
  return values.map(({ id }) => id);
}

/**
 * Writes so many rows at once: of five names in two namespaces, one in ten of them failed, one in a hundred queued,
 * one in a thousand tagged `rare`, initiated by `ann` and submitted by her key, over the last minutes.
 */
export async function fillMany(pool: Pool, rows: number): Promise<void> {
  await pool.query(
    `insert into errand.tasks (id, name, version, state, priority, max_attempts, run_at, payload, tags, initiator, submitted_by, finished_at, error)
     select encode(overlay(uuid_send(errand.uuidv7())
                           placing substring(int8send((extract(epoch from now()) * 1000)::bigint + 10 * (n - $1)) from 3)
                           from 1 for 6), 'hex')::uuid,
            (array['bulk.one', 'bulk.two', 'bulk.three', 'other.one', 'other.two'])[1 + n % 5],
            '1.0.0',
            case when n % 100 = 7 then 'queued' when n % 10 = 3 then 'failed' else 'succeeded' end,
            0, 25, now(), '{}',
            case when n % 1000 = 500 then array['rare', 'common'] else array['common'] end,
            case when n % 1000 = 500 then 'ann' else 'ben' end,
            case when n % 1000 = 500 then 'key:ann' else 'anonymous' end,
            case when n % 100 <> 7 then now() + make_interval(secs => 1 + (n - $1) / 100.0) end,
            case when n % 10 = 3 then jsonb_build_object('error_type', 'Error', 'message', 'failure number ' || n,
                                                         'error_code', null, 'retryable', true, 'metadata', null, 'stack', null) end
       from generate_series(1, $1::integer) n`,
    [rows],
  );
  await pool.query('vacuum analyze errand.tasks');
}

/** Writes so many workflows over what there is, each of so many steps, newer than everything, and gives their ids. */
export async function fillWorkflows(pool: Pool, workflows: number, steps: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from errand.tasks order by id limit $1', [
    workflows,
  ]);
  const ids = rows.map(({ id }) => id);
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, parent_id, step, after)
     select 'bulk.one.s' || n % 10, '1.0.0', 'succeeded', 0, 25, now(), '{}', parent, 's' || n, '{}'
       from unnest($1::uuid[]) as parents (parent)
      cross join generate_series(1, $2::integer) n`,
    [ids, steps],
  );
  await pool.query('vacuum analyze errand.tasks');
  return ids;
}
