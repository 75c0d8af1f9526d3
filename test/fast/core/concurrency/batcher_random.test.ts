import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batcher } from '../../../../core/concurrency/batcher.ts';

type Item = { id: number; weight: number; poison: boolean };

/** Calls in waves: those of one wave come in the same turn of the event loop. */
const waves = fc
  .array(
    fc.array(fc.record({ weight: fc.integer({ min: 1, max: 12 }), poison: fc.boolean() }), { maxLength: 20 }),
    { maxLength: 8 },
  )
  .map((list) => {
    let id = 0;
    return list.map((wave) => wave.map((item): Item => ({ id: id++, ...item })));
  });
const limits = fc.record({
  maxItems: fc.integer({ min: 1, max: 7 }),
  parallel: fc.integer({ min: 1, max: 3 }),
  maxWeight: fc.integer({ min: 1, max: 30 }),
});
/** How the n-th batch goes: turns of the event loop that it takes, and whether it fails as a whole. */
const course = fc.infiniteStream(fc.record({ turns: fc.integer({ min: 0, max: 3 }), down: fc.boolean() }));

test('whatever fails, every call ends, with its own result or its own error, and the bounds hold', async () => {
  await fc.assert(
    fc.asyncProperty(waves, limits, course, async (calls, bounds, stream) => {
      const batches: Item[][] = [];
      let underWay = 0;
      const run = async (items: Item[]): Promise<number[]> => {
        batches.push(items);
        underWay++;
        expect(underWay).toBeLessThanOrEqual(bounds.parallel);
        const { turns, down } = stream.next().value;
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        underWay--;
        if (down) throw new Error('down');
        if (items.some(({ poison }) => poison)) throw new Error('poison');
        return items.map(({ id }) => id);
      };
      const isolate = (error: unknown): boolean => (error as Error).message === 'poison';
      const one = batcher(run, { ...bounds, weightOf: ({ weight }) => weight, isolate });
      const pending: Promise<PromiseSettledResult<number>[]>[] = [];
      for (const wave of calls) {
        pending.push(Promise.allSettled(wave.map(one)));
        await setImmediate();
      }
      const settled = (await Promise.all(pending)).flat();

      for (const [index, item] of calls.flat().entries()) {
        const call = settled[index];
        if (call?.status === 'fulfilled') expect([item.poison, call.value]).toEqual([false, item.id]);
        else expect(String(call?.reason)).toMatch(item.poison ? /down|poison/ : /down/);
      }
      for (const batch of batches) {
        expect(batch.length).toBeLessThanOrEqual(bounds.maxItems);
        const weight = batch.reduce((sum, item) => sum + item.weight, 0);
        if (batch.length > 1) expect(weight).toBeLessThanOrEqual(bounds.maxWeight);
      }
      const firstSeen = [...new Set(batches.flat().map(({ id }) => id))];
      if (bounds.parallel === 1) expect(firstSeen).toEqual(calls.flat().map(({ id }) => id));
      expect(firstSeen.toSorted((a, b) => a - b)).toEqual(calls.flat().map(({ id }) => id));
    }),
    { numRuns: 300 },
  );
});
