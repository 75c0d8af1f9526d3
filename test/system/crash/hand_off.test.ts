import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { stepRows } from '../../../core/workflows/graph.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { type FixtureRunner, lostRunners, startFixtureRunner, steady } from '../../support/runners.ts';
import { countDispatches, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { CHAIN_TASKS, chain, chainResult } from './fixtures/chain_tasks.ts';

// Issue 21: runners are killed and frozen while a statement that hands off waits for its commit. It is committed
// without them: what it handed off is held by a runner that never heard of it.

const WORKFLOWS = Number(process.env.WORKFLOWS ?? 60);

/** While the test has this advisory lock, nothing is handed off. */
const GATE = 21;
const HELD = `between 'ffffffff-0000-8000-b000-000000000000' and 'ffffffff-ffff-8fff-bfff-ffffffffffff'`;
const WATCH = `
  create table successes (task_id uuid);
  create function count_success() returns trigger language plpgsql as $$
  begin
    insert into successes values (new.id);
    return null;
  end;
  $$;
  create trigger count_success after update on errand.tasks for each row
    when (new.state = 'succeeded' and old.state <> 'succeeded') execute function count_success();
  create function wait_for_gate() returns trigger language plpgsql as $$
  begin
    perform pg_advisory_xact_lock_shared(${GATE});
    return new;
  end;
  $$;
  create trigger wait_for_gate before update on errand.tasks for each row
    when (new.dispatch_id ${HELD} and new.dispatch_id is distinct from old.dispatch_id) execute function wait_for_gate()`;

async function heldBy(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `select from errand.tasks where dispatch_id ${HELD} and state in ('queued', 'scheduled', 'retrying')`,
  );
  return rows.length;
}

/**
 * Strikes these runners while a statement of theirs that hands off has done everything but its commit, and lets that
 * come then. Gives whether something was left in their hands: on a busy machine the statement may have timed out.
 */
async function strike(pool: Pool, victims: FixtureRunner[], signal: NodeJS.Signals): Promise<boolean> {
  const gate = await pool.connect();
  try {
    await gate.query('select pg_advisory_lock($1)', [GATE]);
    await until('a hand-off waits', async () => {
      const { rows } = await gate.query(
        `select from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
        [GATE],
      );
      return rows.length > 0;
    });
    for (const { child } of victims) child.kill(signal);
    await gate.query('select pg_advisory_unlock($1)', [GATE]);
    await until('no statement of them is under way', async () => {
      const { rows } = await gate.query(
        `select from pg_stat_activity
          where datname = current_database() and application_name = 'errand runner' and state = 'active'`,
      );
      return rows.length === 0;
    });
    return (await heldBy(pool)) > 0;
  } finally {
    gate.release(true);
  }
}

function startPair(url: string): Promise<FixtureRunner[]> {
  return Promise.all(
    [1, 2].map(() => startFixtureRunner(url, { RUNNER_CONCURRENCY: '4', RUNNER_LEASE_SECS: '3' })),
  );
}

test('runners die and freeze between the commit of a hand-off and its start: each step is done, once, in its order', async () => {
  const { url, pool } = await createDatabase();
  await pool.query(WATCH);
  const submitted: string[] = [];
  const submitMore = async (): Promise<void> => {
    const from = submitted.length;
    const workflows = await submit(
      pool,
      ...Array.from({ length: WORKFLOWS }, (_none, index) => {
        return { name: chain.name, payload: { value: from + index }, steps: stepRows(chain.graph) };
      }),
    );
    submitted.push(...workflows.map(({ id }) => id));
  };
  let struck = 0;
  const frozen: FixtureRunner[] = [];
  for (const signal of ['SIGKILL', 'SIGSTOP', 'SIGKILL'] as const) {
    const victims = await startPair(url);
    // What the victims before them left is taken over by these.
    if (struck > 0) await until('nothing is held', async () => (await heldBy(pool)) === 0);
    await steady(pool, 2);
    const striking = strike(pool, victims, signal);
    await submitMore();
    if (await striking) struck++;
    if (signal === 'SIGSTOP') frozen.push(...victims);
  }
  const last = await startPair(url);
  await until('the others are missed', async () => (await lostRunners(pool)) >= 6);
  // They wake up with the answer of their statement, and their work is somebody else's.
  for (const { child } of frozen) child.kill('SIGCONT');
  await until('all have finished', () => allFinished(pool), 300_000);
  await until('the dispatches are gone', async () => (await countDispatches(pool)) === 0);
  expect(last).toHaveLength(2);
  expect(struck).toBeGreaterThan(0);

  const { rows } = await pool.query<{ id: string; result: unknown; times: number }>(
    `select t.id, t.result, (select count(*) from successes s where s.task_id = t.id)::integer as times
       from errand.tasks t order by t.id`,
  );
  const history = recordHistory();
  for (const { id } of rows) history.ok(id);
  await history.check(pool);
  expect(rows.map(({ times }) => times)).toEqual(
    Array.from({ length: submitted.length * CHAIN_TASKS }, () => 1),
  );
  const results = new Map(rows.map(({ id, result }) => [id, result]));
  expect(submitted.map((id) => results.get(id))).toEqual(
    submitted.map((_id, value) => ({ value: chainResult(value) })),
  );
  const { rows: early } = await pool.query(
    `select later.name
       from errand.tasks later
       join errand.tasks before on before.parent_id = later.parent_id and before.step = any (later.after)
      where later.run_at < before.finished_at`,
  );
  expect(early).toEqual([]);
});
