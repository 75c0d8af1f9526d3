import { expect, test } from 'vitest';
import { RateLimited } from '../../../core/errors.ts';
import type { TaskContext } from '../../../core/task.ts';
import { createDatabase } from '../../support/database.ts';
import { finished, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { type Keyed, startLimited, stateOf, withPolicy } from './limited.ts';

const { pool } = await createDatabase();

const byKey = ({ key }: Keyed): string => key ?? 'none';
const DAY_MS = 86_400_000;

/** The milliseconds for which the keys of a limit are still held, by key. */
async function holdsOf(limit: string): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ key: string; ms: number }>(
    `select key, extract(epoch from held_until - clock_timestamp())::float8 * 1000 as ms
       from errand.limit_keys where limit_name = $1 and held_until > clock_timestamp()`,
    [limit],
  );
  return new Map(rows.map(({ key, ms }) => [key, ms]));
}

/** Ends all holds, as if their time were over. */
const endHolds = () =>
  pool.query(
    `update errand.limit_keys set held_until = now(), call_at = case when call_at is not null then now() end`,
  );

/** As if the time of those that were put off had come. */
const makeDue = (name: string) =>
  pool.query(
    `with t as (update errand.tasks set run_at = now() where name = $1 and state = 'scheduled' returning dispatch_id)
     update errand_worker._private_jobs j set run_at = now() from t where j.key = t.dispatch_id::text`,
    [name],
  );

const LIMITS = [
  [
    'a rate with a key',
    'rated',
    {
      rate: [
        { limit: 1_000, periodSeconds: 1 },
        { limit: 100, periodSeconds: 1, key: byKey },
      ],
    },
    'rated.x:rate:key',
  ],
  ['a limit of what runs at a time', 'slots', { concurrency: [50, { limit: 5, key: byKey }] }, 'slots.x:key'],
  [
    'a rate before another limit',
    'mixed',
    { rate: { limit: 100, periodSeconds: 1, key: byKey }, concurrency: { limit: 5, key: byKey } },
    'mixed.x:rate:key',
  ],
] as const;

test.each(LIMITS)(
  '%s: RateLimited lets nothing more of its key start, while other keys go on',
  async (_what, namespace, policy, limit) => {
    const name = `${namespace}.x` as const;
    let refuses = true;
    const ran: string[] = [];
    await startLimited(pool, [withPolicy(name, policy)], (payload) => {
      const key = byKey(payload as Keyed);
      ran.push(key);
      if (key === 'full' && refuses) throw new RateLimited({ retryAfterMs: 600_000 });
      return 'done';
    });
    const first = await submitOne(pool, { name, payload: { key: 'full' } });
    await until('its key is held', async () => (await holdsOf(limit)).has('full'));
    expect((await holdsOf(limit)).get('full')).toBeGreaterThan(500_000);
    const more = await submit(pool, ...[1, 2, 3].map(() => ({ name, payload: { key: 'full' } })));
    await until('the others wait', async () => (await stateOf(pool, limit)).waits === 3);
    const other = await submitOne(pool, { name, payload: { key: 'other' } });
    expect(await finished(pool, other.id)).toMatchObject({ state: 'succeeded' });
    expect(ran).toEqual(['full', 'other']);
    expect(await stateOf(pool, limit)).toMatchObject({ waits: 3 });
    refuses = false;
    await endHolds();
    for (const { id } of more) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
    await makeDue(name);
    expect(await finished(pool, first.id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  },
);

test('after RateLimited the runner hands no slot on to the next task of the key', async () => {
  let runs = 0;
  let refuses = false;
  await startLimited(pool, [withPolicy('handed.x', { concurrency: 1 })], () => {
    runs++;
    if (refuses) throw new RateLimited({ retryAfterMs: 600_000 });
  });
  // Now the runner knows that they are short.
  const warm = await submit(pool, ...Array.from({ length: 20 }, () => ({ name: 'handed.x', payload: {} })));
  for (const { id } of warm) await finished(pool, id);
  runs = 0;
  refuses = true;
  await submit(pool, ...Array.from({ length: 20 }, () => ({ name: 'handed.x', payload: {} })));
  await until('the others wait', async () => (await stateOf(pool, 'handed.x')).waits === 19);
  expect(runs).toBe(1);
});

test('without limits the task itself is put off, with its error, and loses no attempt', async () => {
  await startLimited(
    pool,
    [withPolicy('alone.x', { maxAttempts: 1 })],
    (_payload, { attempt }: TaskContext) => {
      if (attempt === 1) throw new RateLimited({ retryAfterMs: 600_000 });
      return 'done';
    },
  );
  const { id } = await submitOne(pool, { name: 'alone.x', payload: {} });
  await until('it is put off', async () => (await outcomes(pool, id)).length === 1);
  expect(await outcomes(pool, id)).toEqual([[1, 'interrupted']]);
  const { rows } = await pool.query('select error from errand.attempts where task_id = $1', [id]);
  expect(rows[0].error).toMatchObject({
    error_type: 'RateLimited',
    error_code: 'RATE_LIMITED',
    retryable: true,
  });
  await makeDue('alone.x');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('who waits for a hold is called when its time is over', async () => {
  let refuses = true;
  await startLimited(pool, [withPolicy('over.x', { concurrency: 2 })], () => {
    if (!refuses) return 'done';
    refuses = false;
    throw new RateLimited({ retryAfterMs: 700 });
  });
  const tasks = await submit(pool, ...[1, 2, 3].map(() => ({ name: 'over.x', payload: {} })));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect((await stateOf(pool, 'over.x')).waits).toBe(0);
});

test.each([
  ['nothing', 0, 1_000],
  ['no number', Number.NaN, 1_000],
  ['a text', '60', 1_000],
  ['a time that has passed', -5, 1_000],
  ['more than a day', Number.POSITIVE_INFINITY, DAY_MS],
  ['more than a day in ms', 1e12, DAY_MS],
])('a time that is %s is bounded', async (_what, retryAfterMs, ms) => {
  await startLimited(
    pool,
    [withPolicy('bounded.x', { rate: { limit: 100, periodSeconds: 1, key: byKey } })],
    () => {
      throw new RateLimited({ retryAfterMs: retryAfterMs as number });
    },
  );
  const key = String(retryAfterMs);
  const { id } = await submitOne(pool, { name: 'bounded.x', payload: { key } });
  await until('it was put off', async () => (await outcomes(pool, id)).length > 0);
  const { rows } = await pool.query(
    `select extract(epoch from run_at - a.finished_at)::float8 * 1000 as ms
       from errand.tasks t join errand.attempts a on a.task_id = t.id where t.id = $1 and a.attempt = 1`,
    [id],
  );
  expect(rows[0].ms).toBeGreaterThanOrEqual(ms - 1);
  if (ms === DAY_MS) expect(rows[0].ms).toBeLessThan(ms + 60_000);
  await pool.query('delete from errand.tasks where id = $1', [id]);
});

test('a task that is always refused ends: from the thousandth attempt on RateLimited is a failure', async () => {
  await startLimited(
    pool,
    [withPolicy('endless.x', { concurrency: 1, backoff: { initialMs: 1, maxMs: 1 } })],
    () => {
      throw new RateLimited({ retryAfterMs: 1 });
    },
  );
  const { id } = await submitOne(pool, { name: 'endless.x', payload: {}, delayMs: 60_000 });
  await pool.query('update errand.tasks set attempt = 999, max_attempts = 1000 where id = $1', [id]);
  await makeDue('endless.x');
  const failed = await finished(pool, id);
  expect(failed).toMatchObject({ state: 'failed', attempt: 1_001, error: { error_code: 'RATE_LIMITED' } });
  expect(await outcomes(pool, id)).toEqual([
    [999, 'interrupted'],
    [1_000, 'failed'],
    [1_001, 'failed'],
  ]);
});
