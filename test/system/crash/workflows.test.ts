import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { stepRows } from '../../../core/workflows/graph.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { type FixtureRunner, lostRunners, startFixtureRunner, steady } from '../../support/runners.ts';
import { countDispatches, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { FLOW_TASKS, flow, flowResult } from './fixtures/workflow_tasks.ts';

const WORKFLOWS = Number(process.env.WORKFLOWS ?? 60);
/** Two of them are killed at a time, twice: so no task sees more deaths than it survives. */
const RUNNERS = 4;

/** Writes down each time that a task becomes `succeeded`, beside the ledger. */
const COUNT_SUCCESSES = `
  create table successes (task_id uuid);
  create function count_success() returns trigger language plpgsql as $$
  begin
    insert into successes values (new.id);
    return null;
  end;
  $$;
  create trigger count_success after update on errand.tasks for each row
    when (new.state = 'succeeded' and old.state <> 'succeeded') execute function count_success()`;

/** Waits until so large a part of all tasks has succeeded, and one of these runners is seen to execute something. */
async function midway(pool: Pool, part: number, victims: FixtureRunner[]): Promise<void> {
  const pids = victims.map(({ child }) => child.pid);
  await until(`${part} of the tasks are done, and a victim busy`, async () => {
    const { rows } = await pool.query<{ done: number; busy: number }>(
      `select (select count(*) from successes)::integer as done,
              (select count(distinct r.pid)
                 from errand.tasks t
                 join errand.runners r on r.id = t.runner_id
                where t.state = 'running' and r.pid = any ($1))::integer as busy`,
      [pids],
    );
    const [row] = rows;
    return row !== undefined && row.done >= part * WORKFLOWS * FLOW_TASKS && row.busy > 0;
  });
}

function startPair(url: string): Promise<FixtureRunner[]> {
  return Promise.all(
    [1, 2].map(() => startFixtureRunner(url, { RUNNER_CONCURRENCY: '5', RUNNER_LEASE_SECS: '3' })),
  );
}

function kill(victims: FixtureRunner[]): void {
  for (const { child } of victims) child.kill('SIGKILL');
}

test('runners are killed in the midst of workflows: each comes to its right result, each step once', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  await pool.query(COUNT_SUCCESSES);
  const [first, second] = await Promise.all([startPair(url), startPair(url)]);
  await steady(pool, RUNNERS);
  const workflows = await submit(
    pool,
    ...Array.from({ length: WORKFLOWS }, (_none, value) => {
      return { name: flow.name, payload: { value }, steps: stepRows(flow.graph) };
    }),
  );
  await midway(pool, 0.1, first);
  kill(first);
  await Promise.all([startPair(url), midway(pool, 0.4, second)]);
  kill(second);
  await startPair(url);
  await until('all have finished', () => allFinished(pool));
  await until('the dispatches are gone', async () => (await countDispatches(pool)) === 0);
  // On a busy machine others may be late, too.
  expect(await lostRunners(pool)).toBeGreaterThanOrEqual(RUNNERS);

  const { rows } = await pool.query<{ id: string; parent_id: string | null; result: unknown; times: number }>(
    `select t.id, t.parent_id, t.result, (select count(*) from successes s where s.task_id = t.id)::integer as times
       from errand.tasks t
      order by t.id`,
  );
  for (const { id } of rows) history.ok(id);
  await history.check(pool);
  expect(rows.map(({ times }) => times)).toEqual(Array.from({ length: WORKFLOWS * FLOW_TASKS }, () => 1));
  const results = new Map(rows.map(({ id, result }) => [id, result]));
  expect(workflows.map(({ id }) => results.get(id))).toEqual(
    workflows.map((_workflow, value) => ({ value: flowResult(value) })),
  );
  const { rows: recorded } = await pool.query<{ outcome: string }>(
    'select distinct outcome from errand.attempts',
  );
  expect(recorded).toEqual([{ outcome: 'crashed' }]);
});
