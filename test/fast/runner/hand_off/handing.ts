import type { Pool, QueryConfig } from 'pg';
import { until } from '../../../support/until.ts';

/**
 * Notes which tasks are ever announced by a dispatch from now on, and gives their names without the prefix. What is
 * handed off is not among them.
 */
export async function noteDispatches(pool: Pool, prefix: string): Promise<() => Promise<string[]>> {
  await pool.query(`
    create table announced (number integer generated always as identity, task_id uuid);
    create function note_dispatch() returns trigger language plpgsql as $$
    begin
      insert into announced (task_id) select e.id::uuid from json_array_elements_text(new.payload) as e (id);
      return null;
    end;
    $$;
    create trigger note_dispatch after insert on errand_worker._private_jobs for each row execute function note_dispatch()`);
  return async () => {
    const { rows } = await pool.query<{ name: string }>(
      'select t.name from announced a join errand.tasks t on t.id = a.task_id order by a.number',
    );
    return rows.map(({ name }) => name.replace(`${prefix}.`, ''));
  };
}

/** The statements that record outcomes. */
const RECORDS = /^record_/;

/**
 * A view of a pool that loses the answers of some statements that record: they are committed, and then the connection
 * fails. `isLost` is asked with how many there were before.
 */
export function losingAnswers(
  pool: Pool,
  isLost: (count: number) => boolean,
): { pool: Pool; lost: () => number } {
  let count = 0;
  let lost = 0;
  const view = new Proxy(pool, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property !== 'query') return value.bind(target);
      return async (query: QueryConfig, ...rest: unknown[]) => {
        const answer: unknown = await value.call(target, query, ...rest);
        if (!RECORDS.test(query.name ?? '') || !isLost(count++)) return answer;
        lost++;
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      };
    },
  });
  return { pool: view, lost: () => lost };
}

/** The due tasks that some runner holds. */
export async function heldTasks(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from errand.tasks
      where dispatch_id >= 'ffffffff-0000-8000-b000-000000000000' and state in ('scheduled', 'queued', 'retrying')`,
  );
  return rows.map(({ id }) => id);
}

/** Locks the row of a task, so that a statement that records one of its steps waits; gives the function that frees it. */
export async function lockTask(pool: Pool, id: string): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query('select from errand.tasks where id = $1 for update', [id]);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

/** Waits until a statement that records waits for a lock. */
export function recordWaits(pool: Pool): Promise<unknown> {
  return until('a record waits', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%parents as materialized%'`,
    );
    return rows.length > 0;
  });
}
