import { describe, expect, test } from 'vitest';
import { type Breaker, createBreaker } from '../../../../api/capacity/breaker.ts';
import { until } from '../../../support/until.ts';

const AWAY = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const FULL = new Error('timeout exceeded when trying to connect');

const fail = (breaker: Breaker, error: unknown = AWAY): Promise<unknown> =>
  breaker.run(() => Promise.reject(error)).catch((thrown: unknown) => thrown);

/** Waits until it lets something through, which fails. */
async function failProbe(breaker: Breaker): Promise<number> {
  const begun = performance.now();
  await until('a probe', async () => (await fail(breaker)) === AWAY);
  return performance.now() - begun;
}

async function opened(mostOpenMs: number): Promise<Breaker> {
  const breaker = createBreaker(mostOpenMs);
  for (let failure = 0; failure < 5; failure++) {
    expect(breaker.state()).toBe('closed');
    await fail(breaker);
  }
  expect(breaker.state()).toBe('open');
  return breaker;
}

describe('what opens it', () => {
  test('five failures in a row, and no fewer', async () => {
    const breaker = createBreaker(1_000);
    for (let failure = 0; failure < 4; failure++) await fail(breaker);
    await breaker.run(async () => {});
    for (let failure = 0; failure < 4; failure++) await fail(breaker);
    expect(breaker.state()).toBe('closed');
    await fail(breaker);
    expect(breaker.state()).toBe('open');
  });

  test('not fifty at once: they are one trouble', async () => {
    const breaker = createBreaker(1_000);
    await Promise.all(Array.from({ length: 50 }, () => fail(breaker)));
    expect(breaker.state()).toBe('closed');
    for (let wave = 0; wave < 4; wave++) await Promise.all(Array.from({ length: 50 }, () => fail(breaker)));
    expect(breaker.state()).toBe('open');
  });

  test('not a pool without a free connection', async () => {
    const breaker = createBreaker(1_000);
    for (let failure = 0; failure < 50; failure++) expect(await fail(breaker, FULL)).toBe(FULL);
    expect([breaker.state(), breaker.failing()]).toEqual(['closed', null]);
  });
});

describe('while it is open', () => {
  test('it refuses at once, and one probe that goes well closes it', async () => {
    const breaker = await opened(10_000);
    expect(await fail(breaker)).toMatchObject({ code: 'CIRCUIT_OPEN', headers: { 'Retry-After': '1' } });
    expect(breaker.failing()).toBe(AWAY);
    await until('a probe goes well', () => breaker.run(async () => true).catch(() => false));
    expect([breaker.state(), breaker.failing()]).toEqual(['closed', null]);
  });

  test('each probe that fails doubles the wait', async () => {
    const breaker = await opened(60_000);
    await failProbe(breaker);
    expect(await failProbe(breaker)).toBeGreaterThan(400);
  });

  test('up to a bound', async () => {
    const breaker = await opened(20);
    for (let probe = 0; probe < 10; probe++) await failProbe(breaker);
    expect(breaker.state()).toBe('open');
  });
});
