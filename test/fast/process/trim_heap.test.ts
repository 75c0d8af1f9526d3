import { expect, test } from 'vitest';
import { trimHeap } from '../../../process/trim_heap.ts';

test('garbage is collected at once, and the global scope stays as it was', async () => {
  let garbage: object | undefined = { of: 'the start' };
  const reference = new WeakRef(garbage);
  garbage = undefined;
  // A WeakRef holds its object until the present job has ended.
  await new Promise((resolve) => setImmediate(resolve));
  trimHeap();
  expect(reference.deref()).toBe(undefined);
  expect('gc' in globalThis).toBe(false);
});
