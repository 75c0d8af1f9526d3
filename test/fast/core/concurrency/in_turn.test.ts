import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inTurn } from '../../../../core/concurrency/in_turn.ts';

const STUCK = new Error('stuck');

/** Runs whose tries are ended by the test. */
function tries() {
  const list: { item: string; succeed: () => void; fail: (error: unknown) => void }[] = [];
  const run = (item: string): Promise<string> =>
    new Promise((resolve, reject) => {
      list.push({ item, succeed: () => resolve(`${item} done`), fail: reject });
    });
  return { run, list, items: () => list.map(({ item }) => item) };
}

const options = { parallel: 1, isStuck: (error: unknown) => error === STUCK, waitBudgetMs: 60_000 };

test('what is stuck goes back behind the others, and what has not been tried goes first', async () => {
  const { run, list, items } = tries();
  const one = inTurn(run, options);
  const results = ['a', 'b'].map(one);
  list[0]?.fail(STUCK);
  await setImmediate();
  expect(items()).toEqual(['a', 'b']);
  const third = one('c');
  list[1]?.fail(STUCK);
  await setImmediate();
  expect(items()).toEqual(['a', 'b', 'c']);
  list[2]?.succeed();
  expect(await third).toBe('c done');
  for (const turn of [3, 4]) {
    await setImmediate();
    list[turn]?.succeed();
  }
  expect(items()).toEqual(['a', 'b', 'c', 'a', 'b']);
  expect(await Promise.all(results)).toEqual(['a done', 'b done']);
});

test('so many go on at a time', async () => {
  const { run, list, items } = tries();
  const one = inTurn(run, { ...options, parallel: 2 });
  const results = ['a', 'b', 'c'].map(one);
  expect(items()).toEqual(['a', 'b']);
  list[1]?.succeed();
  await setImmediate();
  expect(items()).toEqual(['a', 'b', 'c']);
  for (const { succeed } of list) succeed();
  expect(await Promise.all(results)).toEqual(['a done', 'b done', 'c done']);
});

test('it fails with another error at once, and stuck when waitBudget is over', async () => {
  const { run, list } = tries();
  const other = inTurn(run, options)('a');
  list[0]?.fail('refused');
  await expect(other).rejects.toBe('refused');
  const stuck = inTurn(run, { ...options, waitBudgetMs: 0 })('b');
  list[1]?.fail(STUCK);
  await expect(stuck).rejects.toBe(STUCK);
});
