import assert from 'node:assert/strict';
import type { Pool } from 'pg';
import { isTerminal, type State } from '../../core/states.ts';

/** A submission that a client knows was accepted. */
type Acknowledged = { id: string; at: number };

/** A log of what clients did. The ledger must agree with it (docs/reliability.md). */
export type History = {
  /** A submission was answered with success. */
  ok(id: string): void;
  /** A submission was refused: it must not exist. */
  failed(): void;
  /** A submission got no answer: it may exist or not. */
  unknown(): void;
  acknowledged(): string[];
  /** Compares the ledger with the log after all tasks have ended. Throws with every difference. */
  check(pool: Pool): Promise<void>;
};

/** Starts a log. */
export function recordHistory(): History {
  const acknowledged: Acknowledged[] = [];
  let unknown = 0;
  return {
    ok: (id) => acknowledged.push({ id, at: performance.now() }),
    failed: () => {},
    unknown: () => {
      unknown++;
    },
    acknowledged: () => acknowledged.map(({ id }) => id),
    check: async (pool) => {
      const ids = new Set(acknowledged.map(({ id }) => id));
      await checkNothingLost(pool, ids);
      await checkNothingUnexpected(pool, ids, unknown);
      await checkOutcomes(pool);
      await checkAttempts(pool);
      await checkDispatches(pool);
      await checkLogs(pool);
      await checkLimits(pool);
    },
  };
}

async function checkNothingLost(pool: Pool, ids: Set<string>): Promise<void> {
  const { rows } = await pool.query<{ id: string }>('select id from errand.tasks where id = any ($1)', [
    [...ids],
  ]);
  const found = new Set(rows.map((row) => row.id));
  const lost = [...ids].filter((id) => !found.has(id));
  assert.deepEqual(lost, [], 'acknowledged tasks that are lost');
}

/** Nothing that has ended waits for a slot, and no runner that has ended has one. */
async function checkLimits(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`
    select w.task_id
      from errand.limit_waits w
      left join errand.tasks t on t.id = w.task_id
     where t.id is null or t.finished_at is not null
     union all
    select s.task_id
      from errand.limit_slots s
      join errand.runners r on r.id = s.runner_id
     where r.ended_at is not null`);
  assert.deepEqual(rows, [], 'slots and waits of what has ended');
}

async function checkNothingUnexpected(pool: Pool, ids: Set<string>, unknown: number): Promise<void> {
  const { rows } = await pool.query<{ id: string }>('select id from errand.tasks');
  const unexpected = rows.filter((row) => !ids.has(row.id)).map((row) => row.id);
  assert.ok(unexpected.length <= unknown, `tasks that no client submitted: ${unexpected}`);
}

/** Every finished task has one committed outcome, and the fields that belong to it. */
async function checkOutcomes(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ id: string; state: State; why: string }>(`
    select t.id, t.state,
           case
             when t.state in ('succeeded', 'failed', 'cancelled', 'expired') and t.finished_at is null then 'finished without a time'
             when t.state in ('succeeded', 'failed', 'cancelled', 'expired') and t.dispatch_id is not null then 'finished with a dispatch'
             when t.state in ('failed', 'expired') and t.error is null then 'failed without an error'
             when t.state = 'expired' and (t.started_at is not null or exists (select from errand.attempts a where a.task_id = t.id))
               then 'expired though it has started'
             when t.state = 'succeeded' and exists (
               select from errand.attempts a where a.task_id = t.id and a.attempt >= t.attempt
             ) then 'succeeded beside another outcome of the same attempt'
             when t.state not in ('succeeded', 'failed', 'cancelled', 'resolved', 'expired') and t.finished_at is not null
               then 'open with a time of finish'
           end as why
      from errand.tasks t`);
  const wrong = rows.filter((row) => row.why !== null);
  assert.deepEqual(wrong, [], 'records that contradict themselves');
}

/**
 * Attempts are numbered without gaps and within the budget. Only crashes and interruptions cost no
 * attempt.
 */
async function checkAttempts(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`
    select t.id, t.state, t.attempt, t.max_attempts, array_agg(a.attempt order by a.attempt) as ended,
           count(*) filter (where a.outcome in ('failed', 'timed_out')) as failures
      from errand.tasks t
      join errand.attempts a on a.task_id = t.id
     group by t.id`);
  for (const row of rows) {
    const ended: number[] = row.ended;
    const numbers = ended.map((_attempt, index) => index + 1);
    assert.deepEqual(ended, numbers, `attempts of ${row.id} with gaps`);
    assert.ok(row.failures <= row.max_attempts, `more failures of ${row.id} than its budget`);
    const last = ended.at(-1) ?? 0;
    const endsWithLast = row.state === 'failed' || row.state === 'cancelled';
    const expected = endsWithLast ? row.attempt : row.attempt - 1;
    assert.equal(last, expected, `the last attempt of ${row.id}, which is ${row.state}`);
  }
}

/** Every open task has an existing dispatch, or runs under a live runner. */
async function checkDispatches(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`
    select t.id, t.state, t.dispatch_id, t.runner_id
      from errand.tasks t
      left join errand.runners r on r.id = t.runner_id
     where t.state in ('queued', 'scheduled', 'retrying', 'running')
       and not exists (select from errand_worker.jobs job where job.key = t.dispatch_id::text)
       and not (t.state = 'running' and r.ended_at is null)`);
  assert.deepEqual(rows, [], 'open tasks that no runner would ever run');
}

/** The log lines of a task are numbered from 1 without gaps. */
async function checkLogs(pool: Pool): Promise<void> {
  const { rows } = await pool.query(`
    select task_id, count(*), min(seq), max(seq) from errand.logs
     group by task_id
    having min(seq) <> 1 or max(seq) <> count(*)`);
  assert.deepEqual(rows, [], 'log lines with gaps');
}

/** Whether every task has ended. */
export async function allFinished(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ state: State }>('select distinct state from errand.tasks');
  return rows.every(({ state }) => isTerminal(state));
}
