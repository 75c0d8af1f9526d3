import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { recordHistory } from '../../../support/history.ts';
import { cancelTask } from '../../../support/operator.ts';
import { startFixtureRunner } from '../../../support/runners.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { url, pool } = await createDatabase();
const CODES = ['40P01', '40001'];
const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });

/** Makes a table refuse an action with an error, so many times: a sequence keeps count, since it is not undone. */
async function refuse(table: string, action: string, code: string, times: number): Promise<void> {
  await pool.query(`
    create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$
    begin
      if nextval('refusals') <= ${times} then raise exception 'refused' using errcode = '${code}'; end if;
      return coalesce(new, old);
    end $$;
    create trigger refuse before ${action} on ${table} for each row execute function refuse()`);
}

async function refusals(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select last_value as count from refusals');
  return rows[0]?.count ?? 0;
}

async function refuseNoMore(table: string): Promise<void> {
  await pool.query(`drop trigger refuse on ${table}; drop function refuse; drop sequence refusals`);
}

test('F10: deadlock and serialization failure on the record: it is retried, and one outcome is recorded', async () => {
  const history = recordHistory();
  const runner = await startFixtureRunner(url);
  for (const code of CODES) {
    await refuse('errand.tasks', 'update of result', code, 4);
    const tasks = await submit(pool, work(1), work(1), { name: 'fixture.fail', payload: { ms: 1 } });
    for (const { id } of tasks) {
      history.ok(id);
      expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
    }
    expect(await refusals()).toBeGreaterThan(4);
    await refuseNoMore('errand.tasks');
    expect(tasks.map(({ id }) => runner.executions.get(id))).toEqual([1, 1, 2]);
    expect(await Promise.all(tasks.map(({ id }) => outcomes(pool, id)))).toEqual([
      [[1, 'succeeded']],
      [[1, 'succeeded']],
      [
        [1, 'failed'],
        [2, 'succeeded'],
      ],
    ]);
  }
  await history.check(pool);
  await pool.query('delete from errand.tasks');
});

test('F10: the same on the removal of the dispatch: work goes on beside a long task, and nothing is run again', async () => {
  const history = recordHistory();
  const runner = await startFixtureRunner(url);
  const long = await submitOne(pool, work(60_000));
  history.ok(long.id);
  await inState(pool, long.id, 'running');
  for (const code of CODES) {
    await refuse('errand_worker._private_jobs', 'delete', code, 2);
    // Each waits for the end of the one before: a pool that gives up because of a refusal is replaced meanwhile.
    for (let task = 0; task < 3; task++) {
      const { id } = await submitOne(pool, work(1));
      history.ok(id);
      expect(await finished(pool, id, 5_000)).toMatchObject({ state: 'succeeded', attempt: 1 });
    }
    expect(await refusals()).toBeGreaterThanOrEqual(2);
    await refuseNoMore('errand_worker._private_jobs');
  }
  await cancelTask(pool, long.id);
  await until('the dispatches are gone', async () => {
    const { rows } = await pool.query('select 1 from errand_worker.jobs');
    return rows.length === 0;
  });
  for (const id of history.acknowledged()) expect(runner.executions.get(id)).toBe(1);
  await history.check(pool);
});
