import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { explain } from '../../../core/explain/explain.ts';
import { defineLimit } from '../../../core/limits/define_limit.ts';
import { deleteUnusedKeys } from '../../../store/limits/repair.ts';
import { readFacts } from '../../../store/operators/explain.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { finished, inState, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { createWitness, type Keyed, startLimited, stateOf, withPolicy } from './limited.ts';
import { keepStarts, mostIn, startsOf } from './starts.ts';

const { pool } = await createDatabase();
await keepStarts(pool);

const many = (count: number, name: string, payload: Keyed = {}) =>
  Array.from({ length: count }, () => ({ name, payload }));

const total = (starts: { starts: number }[]): number => starts.reduce((sum, one) => sum + one.starts, 0);

/** As if so much time had passed for what is counted and held. */
const pass = (seconds: number, database: Pool = pool) =>
  database.query(
    `with s as (update errand.limit_starts set bucket_end = bucket_end - make_interval(secs => $1))
     update errand.limit_keys
        set call_at = call_at - make_interval(secs => $1), held_until = held_until - make_interval(secs => $1)`,
    [seconds],
  );

const waitsFor = (limit: string, waits: number) =>
  until(`${waits} wait for ${limit}`, async () => (await stateOf(pool, limit)).waits === waits);

test('in any period no more than the limit start, in two runners, and all of them run', async () => {
  const definition = withPolicy('one.x', { rate: { limit: 5, periodSeconds: 0.3 } });
  await startLimited(pool, [definition], () => {});
  await startLimited(pool, [definition], () => {});
  const tasks = await submit(pool, ...many(22, 'one.x'));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  const starts = await startsOf(pool, 'one.x:rate');
  expect(total(starts)).toBe(22);
  expect(mostIn(starts, 300)).toBeLessThanOrEqual(5);
  expect(await stateOf(pool, 'one.x:rate')).toEqual({ slots: 0, waits: 0 });
});

test('with a burst no more start together, nor more than the limit in a period', async () => {
  const definition = withPolicy('burst.x', { rate: { limit: 6, periodSeconds: 0.6, burst: 2 } });
  await startLimited(pool, [definition], () => {});
  const tasks = await submit(pool, ...many(9, 'burst.x'));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  const starts = await startsOf(pool, 'burst.x:rate');
  expect(total(starts)).toBe(9);
  expect(mostIn(starts, 200)).toBeLessThanOrEqual(2);
  expect(mostIn(starts, 600)).toBeLessThanOrEqual(6);
});

test('with a key as many start of each key, and keys do not wait for each other', async () => {
  const key = ({ key: of }: Keyed) => of ?? 'none';
  const definition = withPolicy('keyed.x', { rate: { limit: 2, periodSeconds: 3_600, key } });
  await startLimited(pool, [definition], () => {});
  const tasks = await submit(pool, ...['a', 'b', 'c'].flatMap((of) => many(3, 'keyed.x', { key: of })));
  await waitsFor('keyed.x:rate:key', 3);
  for (const one of ['a', 'b', 'c']) {
    await until(
      `two of ${one} started`,
      async () => total(await startsOf(pool, 'keyed.x:rate:key', one)) === 2,
    );
  }
  await pass(3_601);
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('definitions share a rate by its name, also with keys', async () => {
  const stripe = defineLimit({ name: 'shared.stripe', limit: 3, periodSeconds: 3_600 });
  const names = ['shared.x', 'shared.y'] as const;
  const definitions = [
    withPolicy('shared.x', { rate: stripe }),
    withPolicy('shared.y', { rate: [stripe, { limit: 100, periodSeconds: 1 }] }),
  ];
  await startLimited(pool, definitions, () => {});
  await submit(pool, ...names.flatMap((name) => many(4, name)));
  await waitsFor('shared.stripe', 5);
  expect(total(await startsOf(pool, 'shared.stripe'))).toBe(3);
});

test('each attempt is a start: a retry waits for its turn', async () => {
  const backoff = { initialMs: 1, maxMs: 1 };
  const definition = withPolicy('retried.x', {
    ...{ maxAttempts: 3, backoff },
    rate: { limit: 1, periodSeconds: 3_600 },
  });
  let attempts = 0;
  await startLimited(pool, [definition], () => {
    if (++attempts < 2) throw new Error('again');
    return 'done';
  });
  const { id } = await submitOne(pool, { name: 'retried.x', payload: {} });
  await waitsFor('retried.x:rate', 1);
  expect(attempts).toBe(1);
  await pass(3_601);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
});

test('with a limit of what runs at a time an attempt needs room in both, and takes nothing while it waits', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const witness = createWitness();
  const definition = withPolicy('both.x', {
    concurrency: 1,
    rate: { limit: 2, periodSeconds: 3_600 },
  });
  await startLimited(pool, [definition], () => witness.within([''], () => gate));
  const tasks = await submit(pool, ...many(4, 'both.x'));
  await until('one runs', () => witness.now() === 1);
  await waitsFor('both.x', 3);
  // Those that wait for a slot have counted no start.
  expect(total(await startsOf(pool, 'both.x:rate'))).toBe(1);
  open();
  await waitsFor('both.x:rate', 1);
  expect(total(await startsOf(pool, 'both.x:rate'))).toBe(2);
  expect(await stateOf(pool, 'both.x')).toMatchObject({ slots: 0 });
  await pass(3_601);
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(1);
});

test('a larger rate lets those that wait start now, and without the rate all start', async () => {
  const rated = (limit: number, version: string) =>
    withPolicy('changed.x', { rate: { limit, periodSeconds: 3_600 } }, version);
  let runs = 0;
  await startLimited(pool, [rated(1, '1.0.0')], () => void runs++);
  await submit(pool, ...many(7, 'changed.x'));
  await waitsFor('changed.x:rate', 6);
  await registerDefinitions(pool, [rated(3, '1.1.0')]);
  await until('three have run', () => runs === 3);
  // A shorter period forgets at once what is older.
  await pass(2);
  await registerDefinitions(pool, [
    withPolicy('changed.x', { rate: { limit: 3, periodSeconds: 1.5 } }, '1.2.0'),
  ]);
  await until('six have run', () => runs === 6);
  await registerDefinitions(pool, [withPolicy('changed.x', {}, '1.3.0')]);
  await until('all have run', () => runs === 7);
  expect(await stateOf(pool, 'changed.x:rate')).toEqual({ slots: 0, waits: 0 });
});

test('another runner calls who waits when the one that knew the time is gone', async () => {
  const { pool: own } = await createDatabase();
  const definition = withPolicy('gone.x', { rate: { limit: 1, periodSeconds: 3_600 } });
  let runs = 0;
  const first = await startLimited(own, [definition], () => void runs++);
  const tasks = await submit(own, ...many(2, 'gone.x'));
  // An attempt that has not started at the stop would be counted a second time.
  await until('one has run', () => runs === 1);
  await until('one waits', async () => (await stateOf(own, 'gone.x:rate')).waits === 1);
  await first.stop();
  // The round that calls who was forgotten calls nobody.
  await own.query(
    `create or replace function errand.repair_limits(after_limit text, after_key text)
       returns table (limit_name text, key text) language sql as 'select null, null where false'`,
  );
  await startLimited(own, [definition], () => {});
  expect(await stateOf(own, 'gone.x:rate')).toMatchObject({ waits: 1 });
  await pass(3_601, own);
  for (const { id } of tasks) expect(await finished(own, id)).toMatchObject({ state: 'succeeded' });
});

test('each start is remembered for the complete period, whenever the others were', async () => {
  const definition = withPolicy('window.x', { rate: { limit: 3, periodSeconds: 3_600 } });
  await startLimited(pool, [definition], () => {});
  const started = async (count: number) => {
    for (const { id } of await submit(pool, ...many(count, 'window.x'))) await finished(pool, id);
  };
  await started(1);
  await pass(2_000);
  await started(1);
  await submit(pool, ...many(4, 'window.x'));
  await waitsFor('window.x:rate', 3);
  await pass(1_601);
  await waitsFor('window.x:rate', 2);
  await pass(2_001);
  await waitsFor('window.x:rate', 0);
});

test('a rate of thousands keeps few rows, and forgets those that are over', async () => {
  const definition = withPolicy('large.x', { rate: { limit: 6_000, periodSeconds: 60 } });
  await startLimited(pool, [definition], () => {});
  const tasks = await submit(pool, ...many(300, 'large.x'));
  for (const { id } of tasks) await finished(pool, id);
  const rowsOf = async () =>
    (await pool.query(`select starts from errand.limit_starts where limit_name = 'large.x:rate'`)).rows;
  expect(total(await rowsOf())).toBe(300);
  expect((await rowsOf()).length).toBeLessThan(61);
  await pass(62);
  await deleteUnusedKeys(pool);
  expect(await rowsOf()).toEqual([]);
  const { rows } = await pool.query(`select from errand.limit_keys where limit_name = 'large.x:rate'`);
  expect(rows).toEqual([]);
});

test('if the clock of Postgres is set back, starts of the future count as starts of now', async () => {
  const definition = withPolicy('back.x', { rate: { limit: 1, periodSeconds: 0.5 } });
  await startLimited(pool, [definition], () => {});
  const first = await submitOne(pool, { name: 'back.x', payload: {} });
  await finished(pool, first.id);
  await pool.query(
    `update errand.limit_starts set bucket_end = bucket_end + interval '1 hour' where limit_name = 'back.x:rate'`,
  );
  const next = await submitOne(pool, { name: 'back.x', payload: {} });
  expect(await finished(pool, next.id)).toMatchObject({ state: 'succeeded' });
});

test('explain says which rate, how many have started, when the next one may, and the place', async () => {
  const definition = withPolicy('told.x', { rate: { limit: 4, periodSeconds: 3_600, burst: 2 } });
  await startLimited(pool, [definition], () => {});
  await submit(pool, ...many(5, 'told.x'));
  await waitsFor('told.x:rate', 3);
  const { rows } = await pool.query<{ id: string }>(
    `select task_id as id from errand.limit_waits where limit_name = 'told.x:rate' order by run_at, task_id`,
  );
  const last = await readFacts(pool, rows[2]?.id ?? '', null);
  if (last === null) throw new Error('it is there');
  const { reasons, queue, explained_at } = explain(last);
  expect(reasons[0]).toMatchObject({
    code: 'limit_full',
    limit: { name: 'told.x:rate', key: '', slots: 4, taken: 2, position: 3, period_seconds: 3_600, burst: 2 },
  });
  const inSeconds = (time: string | null | undefined) =>
    (Date.parse(time ?? '') - Date.parse(explained_at)) / 1_000;
  expect(inSeconds(reasons[0]?.until)).toBeGreaterThan(1_500);
  expect(inSeconds(reasons[0]?.until)).toBeLessThanOrEqual(1_800);
  expect(inSeconds(queue?.estimated_start_at)).toBeGreaterThan(3_300);
});

test('a task that waits for a rate is queued, and holds nothing', async () => {
  const definition = withPolicy('idle.x', { rate: { limit: 1, periodSeconds: 3_600 } });
  const runner = await startLimited(pool, [definition], () => {});
  const [first, second] = await submit(pool, ...many(2, 'idle.x'));
  await waitsFor('idle.x:rate', 1);
  await until('one has run', async () => {
    const { rows } = await pool.query(
      `select from errand.tasks where name = 'idle.x' and state = 'succeeded'`,
    );
    return rows.length === 1;
  });
  const { rows } = await pool.query(
    `select id, state from errand.tasks where name = 'idle.x' and state <> 'succeeded'`,
  );
  expect(rows).toMatchObject([{ state: 'queued' }]);
  expect([first?.id, second?.id]).toContain(rows[0].id);
  expect(runner.load().names).toEqual([]);
  await inState(pool, rows[0].id, 'queued');
});
