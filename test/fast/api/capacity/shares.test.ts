import { expect, test } from 'vitest';
import { createShares, type Shares } from '../../../../api/capacity/shares.ts';
import { ErrandError } from '../../../../core/errors.ts';

/** Takes one after the other until it is refused; gives how many it got and why it got no more. */
function takeAll(shares: Shares, client: string): { got: number; code: string; release: () => void } {
  const taken: (() => void)[] = [];
  for (;;) {
    try {
      taken.push(shares.take(client));
    } catch (error) {
      if (!(error instanceof ErrandError)) throw error;
      expect(error.headers['Retry-After']).toBe('1');
      return { got: taken.length, code: error.code, release: () => taken.map((one) => one()) };
    }
  }
}

test('a client alone has four fifths, and the next ones always something, until there is nothing', () => {
  const shares = createShares(1_000, 'chairs are taken');
  expect(takeAll(shares, 'a')).toMatchObject({ got: 800, code: 'RATE_LIMITED' });
  expect(takeAll(shares, 'b')).toMatchObject({ got: 160, code: 'RATE_LIMITED' });
  expect(takeAll(shares, 'c')).toMatchObject({ got: 32, code: 'RATE_LIMITED' });
  expect(takeAll(shares, 'd').got).toBeGreaterThan(3);
  const last = 'efghijk'.split('').map((client) => takeAll(shares, client));
  expect(shares.total()).toBe(1_000);
  expect(last.at(-1)).toMatchObject({ got: 0, code: 'SERVICE_UNAVAILABLE' });
});

test('what two take side by side is the same for both', () => {
  const shares = createShares(1_000, 'chairs are taken');
  const got = { a: 0, b: 0 };
  for (let round = 0; round < 1_000; round++) {
    for (const client of ['a', 'b'] as const) {
      try {
        shares.take(client);
        got[client]++;
      } catch {}
    }
  }
  expect([got.a, got.b]).toEqual([445, 444]);
});

test('what is given back is there again, once', () => {
  const shares = createShares(10, 'chairs are taken');
  const first = takeAll(shares, 'a');
  expect(first.got).toBe(8);
  first.release();
  first.release();
  expect(shares.total()).toBe(0);
  expect(takeAll(shares, 'a').got).toBe(8);
});

test('amounts are divided like pieces: a large one is refused where small ones go on', () => {
  const shares = createShares(100, 'bytes are held');
  shares.take('a', 60);
  shares.take('a', 10);
  expect(() => shares.take('a', 60)).toThrow('100 bytes are held: try again');
  shares.take('b', 20);
  expect(() => shares.take('a', 1)).toThrow(
    '70 of 100 bytes are held for you, and the rest is reserved for other clients',
  );
  shares.take('c', 10);
  expect(shares.total()).toBe(100);
});
