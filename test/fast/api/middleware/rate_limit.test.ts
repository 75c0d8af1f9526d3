import { expect, test } from 'vitest';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { startOwnApi } from '../app.ts';
import { counts, expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const limited = { status: 429, code: 'RATE_LIMITED' };
const ECHO = '/v1/tasks/example.echo';

/** Sends one request after the other and gives their statuses. */
async function statuses(count: number, send: () => Promise<{ status: number }>): Promise<number[]> {
  const seen: number[] = [];
  for (let index = 0; index < count; index++) seen.push((await send()).status);
  return seen;
}

test('reads and writes are limited apart, each with RateLimit headers and Retry-After', async () => {
  const config = testConfig({ RATE_LIMIT_READS: '3', RATE_LIMIT_WRITES: '2' });
  const api = await startOwnApi(pool, { config });
  const first = await api.call('GET', '/v1/tasks');
  expect(first.headers.get('ratelimit-policy')).toMatch(/"reads-per-minute"; q=3; w=60/);
  expect(first.headers.get('ratelimit')).toMatch(/"reads-per-minute"; r=2; t=\d+/);
  expect(await statuses(3, () => api.call('GET', '/v1/runners'))).toEqual([200, 200, 429]);
  const refused = await api.call('GET', '/v1/tasks');
  expectError(refused, limited);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);

  const write = () => api.call('POST', ECHO, { payload: { message: 'a' } });
  expect(await statuses(2, write)).toEqual([201, 200]);
  const before = await counts(pool);
  expectError(await api.call('POST', ECHO, { payload: { message: 'new' } }), limited);
  expect(await counts(pool)).toEqual(before);
});

test('within a second there is a limit of its own, and it passes with the second', async () => {
  const api = await startOwnApi(pool, { config: testConfig({ RATE_LIMIT_BURST: '2' }) });
  const read = () => api.call('GET', '/v1/runners');
  const answers = await Promise.all(Array.from({ length: 6 }, read));
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers.get('retry-after')).toBe('1');
  expect(refused?.headers.get('ratelimit-policy')).toMatch(/"reads-per-second"; q=2; w=1/);
});

test('every caller has limits of its own, and guessing counts for the address', async () => {
  const config = testConfig({ RATE_LIMIT_READS: '2' });
  const api = await startOwnApi(pool, { config, authenticate: authenticateByWords });
  const read = (who: string) => () => api.call('GET', '/v1/runners', undefined, as(who));
  expect(await statuses(3, read('ann of *'))).toEqual([200, 200, 429]);
  expect(await statuses(3, read('ben of *'))).toEqual([200, 200, 429]);
  expect(await statuses(3, read('a guess'))).toEqual([401, 401, 429]);
  expect(await statuses(1, read('another guess'))).toEqual([429]);
});

test('X-Forwarded-For is heeded only behind as many proxies as there are', async () => {
  const ask = (api: Awaited<ReturnType<typeof startOwnApi>>, address: string) => () =>
    api.call('GET', '/v1/runners', undefined, { 'x-forwarded-for': address });
  const direct = await startOwnApi(pool, { config: testConfig({ RATE_LIMIT_READS: '1' }) });
  expect(await statuses(1, ask(direct, '192.0.2.1'))).toEqual([200]);
  expect(await statuses(1, ask(direct, '192.0.2.2'))).toEqual([429]);
  const behind = await startOwnApi(pool, { config: testConfig({ RATE_LIMIT_READS: '1', TRUST_PROXY: '1' }) });
  expect(await statuses(1, ask(behind, '192.0.2.1'))).toEqual([200]);
  expect(await statuses(1, ask(behind, '192.0.2.2'))).toEqual([200]);
  // What the caller made up itself stands before what the proxy saw.
  expect(await statuses(1, ask(behind, '192.0.2.3, 192.0.2.1'))).toEqual([429]);
});

test('probes and the docs are not limited', async () => {
  const config = testConfig({ RATE_LIMIT_READS: '1', RATE_LIMIT_BURST: '1' });
  const api = await startOwnApi(pool, { config });
  expect(await statuses(5, () => api.call('GET', '/live'))).toEqual([200, 200, 200, 200, 200]);
  expect(await statuses(3, () => api.call('GET', '/openapi.yaml'))).toEqual([200, 200, 200]);
});
