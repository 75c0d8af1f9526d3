import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { allFinished, recordHistory } from '../../../support/history.ts';
import { type ProxiedConnection, startProxy, type TcpProxy } from '../../../support/network/proxy.ts';
import { cancelTask } from '../../../support/operator.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { lostRunners, startFixtureRunner, steady, UNDER_WAY_MS } from '../../../support/runners.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

/** None dies here: on a busy machine one that is late must not be taken for dead, and what it has be executed again. */
const LEASE = { RUNNER_LEASE_SECS: '15' };
const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });

function find(proxy: TcpProxy, sent: string): ProxiedConnection | undefined {
  return proxy.connections().find((connection) => connection.lastSent().includes(sent));
}

test('F7: a RST on every connection at once, twice under load: work resumes within seconds, each task runs once', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  const runner = await startFixtureRunner(proxy.url, { ...LEASE, RUNNER_CONCURRENCY: '5' });
  const tasks = await submit(pool, ...Array.from({ length: 40 }, (_, index) => work(index * 10)));
  // It is in hand all the time: the others do not wait for its end.
  const long = await submitOne(pool, work(60_000));
  await inState(pool, long.id, 'running');
  for (const executed of [5, 20]) {
    await until('more was executed', () => runner.executions.size >= executed);
    proxy.resetAll();
  }
  await until('all but the long one have finished', async () => {
    const { rows } = await pool.query(`select 1 from errand.tasks where state <> 'succeeded'`);
    return rows.length === 1;
  });
  const next = await submitOne(pool, work(1));
  await finished(pool, next.id, 8_000);
  await cancelTask(pool, long.id);
  await finished(pool, long.id);
  for (const { id } of [...tasks, long, next]) {
    history.ok(id);
    expect(await outcomes(pool, id)).toEqual([[1, id === long.id ? 'cancelled' : 'succeeded']]);
    expect(runner.executions.get(id)).toBe(1);
  }
  await history.check(pool);
});

test('F7: connections break before the first fetch of a pool: another pool fetches', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  let lost = 0;
  proxy.onSend = (connection) => {
    // graphile-worker looks its tasks up once per pool, in its own words.
    if (lost < 2 && connection.lastSent().includes('_private_tasks as tasks')) {
      connection.loseAnswer();
      lost++;
    }
  };
  await startFixtureRunner(proxy.url, LEASE);
  const { id } = await submitOne(pool, work(1));
  history.ok(id);
  expect(await finished(pool, id, 8_000)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(lost).toBe(2);
  await history.check(pool);
});

test('F7: the answer to a fetch gets lost: what it locked is given back within seconds', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  const runner = await startFixtureRunner(proxy.url, LEASE);
  // It stays in hand, so the pool of graphile-worker that has locked it stays, too.
  const long = await submitOne(pool, work(60_000));
  await inState(pool, long.id, 'running');
  let lost = 0;
  proxy.onSend = (connection) => {
    if (!connection.lastSent().includes('get_job')) return;
    connection.loseAnswer();
    lost++;
  };
  const { id } = await submitOne(pool, work(1));
  for (const one of [long.id, id]) history.ok(one);
  await until('its dispatch is locked', async () => {
    const { rows } = await pool.query(
      'select 1 from errand_worker.jobs j join errand.tasks t on t.dispatch_id::text = j.key where t.id = $1 and j.locked_at is not null',
      [id],
    );
    return rows.length === 1;
  });
  proxy.onSend = () => {};
  expect(lost).toBeGreaterThan(0);
  expect(runner.executions.has(id)).toBe(false);
  await finished(pool, id, 10_000);
  expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
  expect(await outcomes(pool, long.id)).toEqual([[1, 'running']]);
  expect([...runner.executions.values()]).toEqual([1, 1]);
  await cancelTask(pool, long.id);
  await finished(pool, long.id);
  await history.check(pool);
});

test('F7: a connection is black-holed while it records: the outcome is written, once, and work goes on', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  const runner = await startFixtureRunner(proxy.url, LEASE);
  const { id } = await submitOne(pool, work(UNDER_WAY_MS));
  await inState(pool, id, 'running');
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from errand.tasks where id = $1 for update', [id]);
  const recording = await until('its record is under way', () => find(proxy, 'record_successes'));
  recording.blackHole();
  await holder.query('rollback');
  holder.release();
  const next = await submit(pool, work(1), work(1));
  for (const one of [id, ...next.map((task) => task.id)]) {
    history.ok(one);
    await finished(pool, one, 8_000);
    expect(await outcomes(pool, one)).toEqual([[1, 'succeeded']]);
    expect(runner.executions.get(one)).toBe(1);
  }
  await until('the dead connection was given up', () => !proxy.connections().includes(recording));
  await history.check(pool);
});

test('F7: the connection of the lease is black-holed: the lease holds, and a cancellation gets through', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  await startFixtureRunner(proxy.url, { RUNNER_LEASE_SECS: '3' });
  // It would notice a lease that runs out; it has other tasks.
  await startTestRunner(pool, { leaseSecs: 3 });
  await steady(pool, 2);
  const { id } = await submitOne(pool, work(60_000));
  history.ok(id);
  await inState(pool, id, 'running');
  const lease = await until('the lease has its connection', () =>
    proxy.connections().find(({ application }) => application === 'errand lease'),
  );
  lease.blackHole();
  await cancelTask(pool, id);
  expect(await finished(pool, id, 6_000)).toMatchObject({ state: 'cancelled', attempt: 1 });
  expect(await lostRunners(pool)).toBe(0);
  const again = await submitOne(pool, work(60_000));
  history.ok(again.id);
  await inState(pool, again.id, 'running');
  await cancelTask(pool, again.id);
  await until('all have finished', () => allFinished(pool));
  expect(await lostRunners(pool)).toBe(0);
  await history.check(pool);
});
