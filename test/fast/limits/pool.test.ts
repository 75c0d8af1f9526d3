import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineLimit } from '../../../core/limits/define_limit.ts';
import { createDatabase } from '../../support/database.ts';
import { finished, submit } from '../../support/tasks.ts';
import { createWitness, type Keyed, limited, startLimited, stateOf } from './limited.ts';

const { pool } = await createDatabase();

const many = (count: number, name: string, payload: Keyed = {}) =>
  Array.from({ length: count }, () => ({ name, payload }));

test('of a name with a limit no more than that run at a time in two runners, and all of them run', async () => {
  const definition = limited('one.x', 3);
  const witness = createWitness();
  const work = () => witness.within([''], () => pause(5));
  await startLimited(pool, [definition], work);
  await startLimited(pool, [definition], work);
  const tasks = await submit(pool, ...many(60, 'one.x'));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(3);
  expect(await stateOf(pool, 'one.x')).toEqual({ slots: 0, waits: 0 });
});

test('with a key as many run of each key, and keys do not wait for each other', async () => {
  const definition = limited('two.x', { limit: 1, key: ({ key }) => key ?? 'none' });
  const witness = createWitness();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await startLimited(pool, [definition], (payload) => {
    const { key } = payload as Keyed;
    return witness.within([key ?? ''], () => (key === 'held' ? gate : pause(5)));
  });
  const held = await submit(pool, ...many(5, 'two.x', { key: 'held' }));
  const others = await submit(pool, ...['a', 'b', '*', 'c'].flatMap((key) => many(5, 'two.x', { key })));
  for (const { id } of others) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(['a', 'b', '*', 'c'].map(witness.most)).toEqual([1, 1, 1, 1]);
  expect(witness.now('held')).toBe(1);
  open();
  for (const { id } of held) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most('held')).toBe(1);
  expect(await stateOf(pool, 'two.x:key')).toEqual({ slots: 0, waits: 0 });
});

test('several rules hold at once, and a task takes the slots of all or of none', async () => {
  const definition = limited('three.x', [4, { limit: 2, key: ({ key }) => key ?? 'none' }]);
  const witness = createWitness();
  await startLimited(pool, [definition], (payload) =>
    witness.within(['', (payload as Keyed).key ?? 'none'], () => pause(5)),
  );
  const tasks = await submit(pool, ...['a', 'b', 'c'].flatMap((key) => many(20, 'three.x', { key })));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(4);
  expect(Math.max(...['a', 'b', 'c'].map(witness.most))).toBe(2);
  expect(await stateOf(pool, 'three.x')).toEqual({ slots: 0, waits: 0 });
  expect(await stateOf(pool, 'three.x:key')).toEqual({ slots: 0, waits: 0 });
});

test('definitions share a limit by its name', async () => {
  const limit = defineLimit({ name: 'four.printer', limit: 2 });
  const witness = createWitness();
  const names = ['four.x', 'four.y'] as const;
  await startLimited(
    pool,
    names.map((name) => limited(name, limit)),
    () => witness.within([''], () => pause(5)),
  );
  const tasks = await submit(pool, ...names.flatMap((name) => many(20, name)));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(2);
});
