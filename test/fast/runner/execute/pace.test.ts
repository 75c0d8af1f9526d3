import { expect, test } from 'vitest';
import { DISPATCH_SIZE, dispatchSize } from '../../../../core/dispatches.ts';
import { createPace } from '../../../../runner/execute/pace.ts';

test('the pace of a name is unknown until an attempt has ended, and that of others is its own', () => {
  const pace = createPace();
  expect(pace.of('t.x')).toBeUndefined();
  pace.note('t.x', 40);
  expect([pace.of('t.x'), pace.of('t.y')]).toEqual([40, undefined]);
});

test('the pace follows what attempts take now, and one that stands out does not make it', () => {
  const pace = createPace();
  for (let attempt = 0; attempt < 50; attempt++) pace.note('t.x', 5);
  expect(pace.of('t.x')).toBeCloseTo(5);
  pace.note('t.x', 500);
  expect(pace.of('t.x')).toBeCloseTo(54.5);
  for (let attempt = 0; attempt < 100; attempt++) pace.note('t.x', 500);
  expect(pace.of('t.x')).toBeCloseTo(500, 0);
});

test('a dispatch announces what one slot works through in 100 ms: one attempt at least, and never more than a dispatch holds', () => {
  const sizes = [undefined, 0, 0.5, 1, 1.5, 5, 30, 99, 100, 101, 3_600_000].map((ms) => dispatchSize(ms));
  expect(sizes).toEqual([DISPATCH_SIZE, DISPATCH_SIZE, DISPATCH_SIZE, DISPATCH_SIZE, 66, 20, 3, 1, 1, 1, 1]);
});
