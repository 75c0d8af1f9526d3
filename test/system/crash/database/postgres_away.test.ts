import { expect, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { allFinished, recordHistory } from '../../../support/history.ts';
import { startOwnPostgres } from '../../../support/postgres.ts';
import { startProcess } from '../../../support/processes.ts';
import { lostRunners, startFixtureRunner, steady } from '../../../support/runners.ts';
import { outcomes, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

/** A runner on a busy machine must not be so late that the other takes its work over. */
const LEASE_SECS = 5;
const LEASE = { RUNNER_LEASE_SECS: String(LEASE_SECS) };
/** Longer than the lease, so that every heartbeat is too old when Postgres is back. */
const LONG_MS = LEASE_SECS * 1_000 + 2_000;
const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });

async function endure(ms: number): Promise<void> {
  const end = performance.now() + ms;
  await until('the outage has lasted long enough', () => performance.now() > end);
}

test('F5: Postgres crashes again and again under load: each task runs once, and nobody is declared dead', async () => {
  const postgres = await startOwnPostgres();
  const { pool } = postgres;
  const history = recordHistory();
  const runners = await Promise.all([
    startFixtureRunner(postgres.url, { ...LEASE, RUNNER_CONCURRENCY: '3' }),
    startFixtureRunner(postgres.url, { ...LEASE, RUNNER_CONCURRENCY: '3' }),
  ]);
  const executed = (): number => runners.reduce((sum, { executions }) => sum + executions.size, 0);
  await steady(pool, 2);
  const tasks = await submit(pool, ...Array.from({ length: 60 }, (_, index) => work(50 + index * 10)));
  for (const { id } of tasks) history.ok(id);
  // Of about the length of the lease, too, when one heartbeat is too old and another is not.
  for (const outageMs of [0, LEASE_SECS * 1_000 - 500, LEASE_SECS * 1_000 + 500]) {
    const before = executed();
    await until('more was executed', () => executed() > Math.min(before + 6, 50));
    await postgres.crash();
    await endure(outageMs);
    await postgres.start();
  }
  await until('all have finished', () => allFinished(pool));
  for (const { id } of tasks) expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
  expect(await lostRunners(pool)).toBe(0);
  // One that was presumed dead would have executed some again, rightly.
  const counts = runners.flatMap(({ executions }) => [...executions.values()]);
  expect(counts).toEqual(tasks.map(() => 1));
  await history.check(pool);
  for (const runner of runners) runner.child.kill('SIGTERM');
  expect(await Promise.all(runners.map(({ exited }) => exited))).toEqual([0, 0]);
});

test('F6: Postgres is gone for long: 503 meanwhile, then runners resume by themselves and nothing is lost', async () => {
  const postgres = await startOwnPostgres();
  const { pool } = postgres;
  const history = recordHistory();
  const [api, first, second] = await Promise.all([
    startProcess('api/main.ts', postgres.url),
    startFixtureRunner(postgres.url, LEASE),
    startFixtureRunner(postgres.url, LEASE),
  ]);
  await steady(pool, 2);
  const tasks = await submit(pool, ...Array.from({ length: 40 }, (_, index) => work(200 + 40 * index)));
  for (const { id } of tasks) history.ok(id);
  await until('some execute', () => first.executions.size + second.executions.size > 11);
  await postgres.crash();
  const submitted = await call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message: 'x' } });
  history.failed();
  const read = await call(api.url, 'GET', `/v1/tasks/${tasks[0]?.id}`);
  for (const answer of [submitted, read]) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await call(api.url, 'GET', '/ready')).status).toBe(503);
  expect((await call(api.url, 'GET', '/live')).status).toBe(200);
  await endure(LONG_MS);
  await postgres.start();
  await until('all have finished', () => allFinished(pool));
  for (const { id } of tasks) expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
  expect(await lostRunners(pool)).toBe(0);
  const next = await submit(pool, work(1), work(1));
  for (const { id } of next) history.ok(id);
  await until('work goes on', () => allFinished(pool));
  expect((await call(api.url, 'GET', `/v1/tasks/${tasks[0]?.id}`)).status).toBe(200);
  await history.check(pool);
});
