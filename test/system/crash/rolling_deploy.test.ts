import { expect, test } from 'vitest';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import type { TestProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { executionsOf, type Front, releases, stop, submitUntil } from './rolling.ts';

const { url, pool } = await createDatabase();

/** How many tasks of these versions there are in these states. */
async function count(versions: string[], states: string[]): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*) from errand.tasks where version = any ($1) and state = any ($2)',
    [versions, states],
  );
  return rows[0]?.count ?? 0;
}

const NEXT = ['2.0.0', '1.1.0'];

/** Waits until so many more tasks of these versions have succeeded. */
async function more(amount: number, versions: string[]): Promise<void> {
  const before = await count(versions, ['succeeded']);
  await until(`${amount} more tasks of ${versions} have succeeded`, async () => {
    return (await count(versions, ['succeeded'])) >= before + amount;
  });
}

/**
 * Waits until these versions are registered. A runner whose heartbeat is late does not count as live for a while, so on a busy
 * machine the others are registered in between.
 */
async function registered(versions: string[]): Promise<void> {
  await until(`${versions} are registered`, async () => {
    const { rows } = await pool.query<{ version: string }>(
      `select version from errand.definitions where name in ('text.reverse', 'example.linear.square') order by name`,
    );
    return rows.map(({ version }) => version).join() === versions.join();
  });
}

/** Waits until tasks of the next version were left, and gives one of them, of which explain tells why it waits. */
async function leftBehind(api: TestProcess): Promise<string> {
  const id = await until('a task of the next version was left', async () => {
    const { rows } = await pool.query<{ id: string }>(
      `select t.id
         from errand.tasks t
         join errand_worker.jobs job on job.key = t.dispatch_id::text
        where job.task_identifier = 'text.reverse@2.0.0'
        limit 1`,
    );
    return rows[0]?.id;
  });
  const { body } = await call(api.url, 'GET', `/v1/tasks/${id}/explain`);
  expect(body.reasons).toMatchObject([{ code: 'needs_newer_runner' }]);
  return id;
}

test('F16: a rolling deployment of two versions under load, and back, loses, fails and repeats nothing', {
  // Eleven processes start one after the other, and the machine may be busy.
  timeout: 900_000,
}, async () => {
  const { old, next } = releases();
  const history = recordHistory();
  const runners: TestProcess[] = [];
  const start = async (release: typeof old): Promise<TestProcess> => {
    const runner = await release('runner', url);
    runners.push(runner);
    return runner;
  };
  const front: Front = { next: [], any: [] };
  const stopping = new AbortController();

  const [oldApi, oldRunner] = [await old('api', url), await start(old)];
  front.any = [oldApi];
  const load = Promise.all([1, 2, 3, 4].map(() => submitUntil(stopping.signal, front, history)));
  load.catch(() => {});
  await more(20, ['1.0.0']);

  // The new API comes first. What it takes waits; what else there is goes on.
  const nextApi = await next('api', url);
  front.any = [oldApi, nextApi];
  front.next = [nextApi];
  const waiting = await leftBehind(nextApi);
  await more(20, ['1.0.0']);
  expect(await count(NEXT, ['succeeded', 'failed', 'retrying'])).toBe(0);

  // A new runner beside the old one: both work, and an old one that restarts registers nothing.
  const nextRunner = await start(next);
  await more(40, NEXT);
  await stop(oldRunner);
  const restarted = await start(old);
  await registered(['1.1.0', '2.0.0']);
  await more(20, ['1.0.0']);
  await more(20, NEXT);

  // The deployment is complete: older tasks go on in the new runner.
  front.any = [nextApi];
  await Promise.all([stop(restarted), stop(oldApi)]);
  await more(20, ['1.0.0']);

  // It is rolled back, while the new API still takes tasks.
  const back = await start(old);
  await stop(nextRunner);
  const backApi = await old('api', url);
  await registered(['1.0.0', '1.0.0']);
  front.any = [backApi, nextApi];
  await leftBehind(backApi);
  front.any = [backApi];
  front.next = [];
  await stop(nextApi);
  await more(20, ['1.0.0']);
  expect(await count(NEXT, ['failed', 'retrying'])).toBe(0);

  // And deployed again: what waited since then is done.
  const again = await start(next);
  await more(1, NEXT);
  stopping.abort();
  await load;
  await until('all have finished', () => allFinished(pool));

  const steps = await pool.query<{ id: string }>('select id from errand.tasks where parent_id is not null');
  for (const { id } of steps.rows) history.ok(id);
  await history.check(pool);
  const ended = await pool.query('select distinct state, attempt, crashes, error from errand.tasks');
  expect(ended.rows).toEqual([{ state: 'succeeded', attempt: 1, crashes: 0, error: null }]);
  expect((await pool.query('select from errand.attempts')).rows).toEqual([]);

  await Promise.all([stop(back), stop(again)]);
  const executions = executionsOf(runners);
  const tasks = await pool.query<{ id: string; version: string; results: number }>(
    `select id, version from errand.tasks where name = 'text.reverse'`,
  );
  expect(executions.size).toBe(tasks.rows.length);
  for (const { id, version } of tasks.rows) {
    expect(executions.get(id)?.times, `${id} of ${version}`).toBe(1);
    if (version === '2.0.0') expect(executions.get(id)?.texts).toBe(true);
  }
  expect([...executions.values()].filter(({ texts }) => texts).length).toBeGreaterThan(
    tasks.rows.filter(({ version }) => version === '2.0.0').length,
  );
  expect(executions.has(waiting)).toBe(true);
});
