import { describe, expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { finished, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { type Keyed, startLimited, stateOf, withPolicy } from '../../limits/limited.ts';
import { startLimitApi } from './limits.ts';

const { pool, put, get, call } = await startLimitApi();

const HOUR = 3_600;
const many = (count: number, name: string, payload: Keyed = {}) =>
  Array.from({ length: count }, () => ({ name, payload }));

/** Waits until so many attempts have started, and so many tasks wait for the rate. */
async function settled(name: string, starts: number, waits: number): Promise<void> {
  await until(`${starts} starts and ${waits} waits of ${name}`, async () => {
    const { rows } = await pool.query<{ starts: number }>(
      'select coalesce(sum(starts), 0)::integer as starts from errand.limit_starts where limit_name = $1',
      [name],
    );
    return rows[0]?.starts === starts && (await stateOf(pool, name)).waits === waits;
  });
}

describe('a rate (Q2, Q7)', () => {
  test('with a larger value more start at once, and its starts are shown', async () => {
    await startLimited(pool, [withPolicy('larger.x', { rate: { limit: 2, periodSeconds: HOUR } })], () => {});
    await submit(pool, ...many(9, 'larger.x'));
    await settled('larger.x:rate', 2, 7);
    const before = (await get('larger.x:rate')).body;
    expect(before).toMatchObject({
      kind: 'rate',
      limit: 2,
      holders: 0,
      waiters: 7,
      rate: { period_seconds: HOUR, burst: 2, window_seconds: HOUR, starts: 2, starts_is_capped: false },
      keys: [{ key: '', holders: 0, waiters: 7, starts: 2 }],
    });
    const next = Date.parse(before.keys[0].next_start_at) - Date.now();
    expect(next).toBeGreaterThan((HOUR - 600) * 1_000);
    expect(next).toBeLessThanOrEqual((HOUR + 60) * 1_000);
    expect((await put('larger.x:rate', { limit: 5 })).body.limit).toMatchObject({
      limit: 5,
      rate: { burst: 5 },
    });
    await settled('larger.x:rate', 5, 4);
    // A smaller one undoes no start.
    expect((await put('larger.x:rate', { limit: 1 })).body.limit.rate).toMatchObject({ burst: 1, starts: 5 });
    await call('DELETE', '/v1/limits/larger.x:rate');
    expect((await get('larger.x:rate')).body).toMatchObject({ limit: 2, setting: null, waiters: 4 });
  });

  test('in a pause nothing starts, and after it as many as the rate allows', async () => {
    await startLimited(pool, [withPolicy('paused.x', { rate: { limit: 3, periodSeconds: HOUR } })], () => {});
    expect((await put('paused.x:rate', { paused: true })).body.limit).toMatchObject({
      paused: true,
      limit: 3,
      rate: { burst: 3, window_seconds: HOUR },
    });
    await submit(pool, ...many(5, 'paused.x'));
    await settled('paused.x:rate', 0, 5);
    expect((await get('paused.x:rate')).body.keys).toMatchObject([
      { waiters: 5, starts: 0, next_start_at: null },
    ]);
    await put('paused.x:rate', { paused: false });
    await settled('paused.x:rate', 3, 2);
  });

  test('with null all start, and their starts count when there is a rate again', async () => {
    await startLimited(pool, [withPolicy('free.x', { rate: { limit: 1, periodSeconds: HOUR } })], () => {});
    const tasks = await submit(pool, ...many(20, 'free.x'));
    await settled('free.x:rate', 1, 19);
    await put('free.x:rate', { limit: null });
    for (const { id } of tasks) await finished(pool, id);
    expect((await get('free.x:rate')).body).toMatchObject({ limit: null, rate: { burst: null, starts: 20 } });
    await put('free.x:rate', { limit: 20 });
    await submit(pool, ...many(1, 'free.x'));
    await settled('free.x:rate', 20, 1);
  });

  test('with a value of an operator a period has as many bursts as with the declared one', async () => {
    await registerDefinitions(pool, [
      withPolicy('burst.x', { rate: { limit: 10, periodSeconds: 100, burst: 2 } }),
    ]);
    const rateWith = async (limit: number) => (await put('burst.x:rate', { limit })).body.limit.rate;
    expect(await rateWith(50)).toMatchObject({ burst: 10, window_seconds: 20 });
    expect(await rateWith(3)).toMatchObject({ burst: 1, window_seconds: expect.closeTo(100 / 3) });
    // No more than 14 in a period: seven bursts of two.
    expect(await rateWith(14)).toMatchObject({ burst: 2, window_seconds: expect.closeTo(100 / 7) });
  });

  test('of each key the values hold, and a pause holds all of them', async () => {
    const key = ({ key: of }: Keyed) => of ?? 'none';
    await startLimited(
      pool,
      [withPolicy('keyed.x', { rate: { limit: 1, periodSeconds: HOUR, key } })],
      () => {},
    );
    await submit(pool, ...['a', 'b'].flatMap((of) => many(3, 'keyed.x', { key: of })));
    await settled('keyed.x:rate:key', 2, 4);
    await put('keyed.x:rate:key', { limit: 2 });
    await settled('keyed.x:rate:key', 4, 2);
    await put('keyed.x:rate:key', { limit: 3, paused: true });
    await submit(pool, ...many(1, 'keyed.x', { key: 'c' }));
    await settled('keyed.x:rate:key', 4, 3);
    await put('keyed.x:rate:key', { paused: false });
    await settled('keyed.x:rate:key', 7, 0);
    const { keys } = (await get('keyed.x:rate:key')).body;
    expect(keys.map((one: { key: string; starts: number }) => [one.key, one.starts])).toEqual([
      ['a', 3],
      ['b', 3],
      ['c', 1],
    ]);
  });
});
