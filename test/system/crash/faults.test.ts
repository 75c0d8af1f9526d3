import { afterAll, expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { recordHistory } from '../../support/history.ts';
import { cancelTask } from '../../support/operator.ts';
import { running, startFixtureRunner, UNDER_WAY_MS } from '../../support/runners.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { FAULT_KINDS } from './fixtures/fault_tasks.ts';

const { url, pool } = await createDatabase();
const slots = { RUNNER_CONCURRENCY: '60' };
/** No fault but the last one ends it. */
const runner = await startFixtureRunner(url, slots);
afterAll(async () => {
  runner.child.kill('SIGTERM');
  expect(await runner.exited).toBe(0);
});
const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });
const fault = (kind: string, late = false) => ({ name: 'fixture.fault', payload: { kind, late } });

async function lines(id: string): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select concat_ws(' ', message, fields->>'error_message') as line from errand.logs where task_id = $1 order by seq`,
    [id],
  );
  return rows.map(({ line }) => line);
}

test('O6: what nobody catches fails the attempt that left it behind, whatever its kind, and no neighbour notices', async () => {
  const history = recordHistory();
  const neighbours = await submit(pool, ...Array.from({ length: 10 }, () => work(UNDER_WAY_MS)));
  await running(pool, 10);
  const guilty = await submit(pool, ...FAULT_KINDS.map((kind) => fault(kind)));
  for (const { id } of [...neighbours, ...guilty]) history.ok(id);
  for (const [index, { id }] of guilty.entries()) {
    const kind = FAULT_KINDS[index];
    const task = await inState(pool, id, 'retrying');
    expect(await outcomes(pool, id), kind).toEqual([[1, 'failed']]);
    expect((await lines(id))[0], kind).toMatch(
      /^An un(handled rejection|caught exception).*: the attempt fails/,
    );
    if (!['file', 'callback', 'socket', 'odd'].includes(kind ?? ''))
      expect(task.error, kind).toMatchObject({ message: 'oops' });
  }
  for (const { id } of neighbours) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, crashes: 0 });
  }
  expect(runner.child.exitCode).toBeNull();
  await history.check(pool);
  await pool.query('delete from errand.tasks');
});

test('O6: what comes after the end of its attempt is a line in its log, and the outcome stays', async () => {
  const history = recordHistory();
  const neighbours = await submit(pool, ...Array.from({ length: 10 }, () => work(UNDER_WAY_MS)));
  const guilty = await submit(pool, ...FAULT_KINDS.map((kind) => fault(kind, true)));
  for (const { id } of [...neighbours, ...guilty]) history.ok(id);
  for (const [index, { id }] of guilty.entries()) {
    const said = await until(`${FAULT_KINDS[index]} is told of`, async () => (await lines(id))[0]);
    expect(said).toContain('after the end of the attempt was decided');
    expect(await getTask(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, error: null });
  }
  for (const { id } of neighbours)
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(runner.child.exitCode).toBeNull();
  await history.check(pool);
  await pool.query('delete from errand.tasks');
});

test('X5: a listener that throws when its attempt is cancelled ends nothing but that attempt', async () => {
  const [guilty, neighbour] = await submit(
    pool,
    { name: 'fixture.listener', payload: {} },
    work(UNDER_WAY_MS),
  );
  await running(pool, 2);
  await cancelTask(pool, guilty?.id ?? '');
  expect(await finished(pool, guilty?.id ?? '')).toMatchObject({ state: 'cancelled' });
  expect((await lines(guilty?.id ?? ''))[0]).toContain('oops');
  expect(await finished(pool, neighbour?.id ?? '')).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(runner.child.exitCode).toBeNull();
  await pool.query('delete from errand.tasks');
});

test('O6: what belongs to no attempt ends the runner with exit code 1, and all it had is handed over at no cost', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const runner = await startFixtureRunner(url, { ...slots, SHUTDOWN_TIMEOUT_SECS: '0.2' });
  const neighbours = await submit(pool, ...Array.from({ length: 10 }, () => work(60_000)));
  await running(pool, 10);
  const { id } = await submitOne(pool, { name: 'fixture.foreign', payload: {} });
  for (const task of [...neighbours, { id }]) history.ok(task.id);
  expect(await runner.exited).toBe(1);
  expect(runner.output()).toContain('outside any attempt');
  expect(runner.output()).toContain('its cause');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  for (const neighbour of neighbours) {
    expect(await getTask(pool, neighbour.id)).toMatchObject({ state: 'queued', crashes: 0 });
    expect(await outcomes(pool, neighbour.id)).toEqual([[1, 'interrupted']]);
  }
  await history.check(pool);
});
