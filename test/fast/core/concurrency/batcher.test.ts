import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { batcher } from '../../../../core/concurrency/batcher.ts';
import { until } from '../../../support/until.ts';

type Batch<Item> = {
  items: Item[];
  /** Answers with the item itself for each, or with what is given. */
  answer: (results?: unknown[]) => void;
  fail: (error: unknown) => void;
};

/** A `run` whose batches are answered by the test. */
function batches<Item>(): { run: (items: Item[]) => Promise<unknown[]>; list: Batch<Item>[] } {
  const list: Batch<Item>[] = [];
  const run = (items: Item[]): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      list.push({ items, answer: (results) => resolve(results ?? items), fail: reject });
    });
  return { run, list };
}

/** The items of each batch so far. */
function sizes<Item>(list: Batch<Item>[]): Item[][] {
  return list.map(({ items }) => items);
}

/** What became of each call: `=` and its result, or `!` and its error. */
async function fates(calls: Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((call) => (call.status === 'fulfilled' ? `=${call.value}` : `!${call.reason}`));
}

describe('when a batch goes', () => {
  test('a lone call goes in the same turn of the event loop', async () => {
    const { run, list } = batches<string>();
    const call = batcher(run, { maxItems: 10 })('a');
    expect(list).toEqual([]);
    await setImmediate();
    expect(sizes(list)).toEqual([['a']]);
    list[0]?.answer();
    expect(await call).toBe('a');
  });

  test('calls of the same turn go together, in order', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 10 });
    const calls = [1, 2, 3].map(one);
    await setImmediate();
    expect(sizes(list)).toEqual([[1, 2, 3]]);
    list[0]?.answer(['one', 'two', 'three']);
    expect(await Promise.all(calls)).toEqual(['one', 'two', 'three']);
  });

  test('calls that come while a batch is under way go in the next one', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 10 });
    const calls = [one(1)];
    await setImmediate();
    calls.push(one(2), one(3));
    await setImmediate();
    expect(sizes(list)).toEqual([[1]]);
    list[0]?.answer();
    await setImmediate();
    expect(sizes(list)).toEqual([[1], [2, 3]]);
    list[1]?.answer();
    expect(await fates(calls)).toEqual(['=1', '=2', '=3']);
  });

  test('up to `parallel` batches are under way at once, and a full one makes room for the next', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 1, parallel: 2 });
    const ended = fates([1, 2, 3, 4].map(one));
    await setImmediate();
    expect(sizes(list)).toEqual([[1], [2]]);
    list[1]?.answer();
    await setImmediate();
    expect(sizes(list)).toEqual([[1], [2], [3]]);
    list[0]?.fail('x');
    await setImmediate();
    for (const batch of list.slice(2)) batch.answer();
    expect(await ended).toEqual(['!x', '=2', '=3', '=4']);
  });
});

describe('how big a batch is', () => {
  test('never more than maxItems', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 2, parallel: 9 });
    for (const item of [1, 2, 3, 4, 5]) void one(item);
    await setImmediate();
    expect(sizes(list)).toEqual([[1, 2], [3, 4], [5]]);
  });

  test('never heavier than maxWeight, unless one alone is', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 3, parallel: 9, maxWeight: 10, weightOf: (item) => item });
    for (const item of [4, 6, 1, 99, 2, 3, 1, 4]) void one(item);
    await setImmediate();
    expect(sizes(list)).toEqual([[4, 6], [1], [99], [2, 3, 1], [4]]);
  });
});

describe('when a batch fails', () => {
  test('every call of it is rejected with the same error, and no other call', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 2, parallel: 2 });
    const calls = [1, 2, 3].map(one);
    await setImmediate();
    list[0]?.fail('down');
    list[1]?.answer();
    expect(await fates(calls)).toEqual(['!down', '!down', '=3']);
  });

  test('an answer of another length is an error', async () => {
    const { run, list } = batches<number>();
    const calls = [1, 2].map(batcher(run, { maxItems: 2 }));
    await setImmediate();
    list[0]?.answer([1]);
    const message = 'A batch of 2 gave 1 results';
    expect(await fates(calls)).toEqual([`!Error: ${message}`, `!Error: ${message}`]);
  });

  test('with `isolate`, each is run alone, and only who is to blame is rejected', async () => {
    const seen: string[][] = [];
    const run = async (items: string[]): Promise<string[]> => {
      seen.push(items);
      if (items.includes('bad')) throw new Error('bad item');
      return items;
    };
    const one = batcher(run, { maxItems: 10, isolate: () => true });
    expect(await fates(['a', 'bad', 'b'].map(one))).toEqual(['=a', '!Error: bad item', '=b']);
    expect(seen).toEqual([['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
  });

  test('`isolate` decides by the error: what is nobody’s fault rejects all at once', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 10, isolate: (error) => error !== 'down' });
    const calls = [1, 2].map(one);
    await setImmediate();
    list[0]?.fail('down');
    expect(await fates(calls)).toEqual(['!down', '!down']);
    expect(list).toHaveLength(1);
  });

  test('a `run` that throws before it promises anything rejects the call too', async () => {
    const run = (): Promise<never[]> => {
      throw new Error('at once');
    };
    expect(await fates([batcher(run, { maxItems: 1 })(1)])).toEqual(['!Error: at once']);
  });
});

describe('when a batch is slow', () => {
  test('what comes after goes on, up to a bound', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 10, slow: { afterMs: 1, parallel: 2 } });
    const calls = [one(1)];
    await until('the first is under way', () => list.length === 1);
    calls.push(one(2));
    await until('the second is under way', () => list.length === 2);
    calls.push(one(3));
    list[1]?.answer();
    await until('the third is under way', () => list.length === 3);
    list[2]?.answer();
    list[0]?.answer();
    expect(await fates(calls)).toEqual(['=1', '=2', '=3']);
  });

  test('and until then it does not', async () => {
    const { run, list } = batches<number>();
    const one = batcher(run, { maxItems: 10, slow: { afterMs: 60_000, parallel: 2 } });
    const calls = [one(1)];
    await setImmediate();
    calls.push(one(2));
    await setImmediate();
    expect(sizes(list)).toEqual([[1]]);
    list[0]?.answer();
    await setImmediate();
    list[1]?.answer();
    expect(await fates(calls)).toEqual(['=1', '=2']);
  });
});

test('with `alone`, what is run by itself holds no batch up', async () => {
  const { run, list } = batches<number>();
  const { promise: never } = Promise.withResolvers<number>();
  const alone = (item: number): Promise<unknown> => (item === 1 ? never : Promise.resolve(item));
  const one = batcher<number, unknown>(run, { maxItems: 10, isolate: () => true, alone });
  const calls = [1, 2].map(one);
  await setImmediate();
  list[0]?.fail('stuck');
  expect(await calls[1]).toBe(2);
  const next = one(3);
  await until('the next goes on', () => list.length === 2);
  list[1]?.answer();
  expect(await next).toBe(3);
});
