import { afterEach, expect, test } from 'vitest';
import { moveSlots, takeSlots } from '../../../store/limits/slots.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { type Keys, ledgerOf } from './ledger.ts';

const { pool } = await createDatabase();
const ledger = ledgerOf(pool);
let number = 0;

afterEach(ledger.clear);

/** A new limit with so many slots, as the keys of a task. */
async function limitOf(slots: number): Promise<Keys> {
  const name = `ledger.l${++number}`;
  await ledger.limit(name, slots);
  return [[name, '']];
}

test('Q5: what one runner frees leaves the slots of another runner of the same attempt', async () => {
  const keys = await limitOf(2);
  const [task] = await ledger.tasks('ledger.x', keys);
  if (task === undefined) throw new Error('nothing was submitted');
  const [lost, other] = [await ledger.runner(), await ledger.runner()];
  expect(await ledger.take(lost, task)).toEqual(['taken']);
  expect(await ledger.take(other, task)).toEqual(['taken']);
  await ledger.free(lost, task);
  expect(await ledger.holders(keys[0]?.[0] ?? '')).toEqual([{ task_id: task.id, runner_id: other }]);
  await ledger.free(lost, task);
  expect(await ledger.holders(keys[0]?.[0] ?? '')).toHaveLength(1);
});

test('Q5: a cancelled task waits no more, and if it was called the next one is called at once', async () => {
  const keys = await limitOf(1);
  const runner = await ledger.runner();
  const [first, second, third, fourth] = await ledger.tasks('ledger.x', keys, keys, keys, keys);
  if (!first || !second || !third || !fourth) throw new Error('nothing was submitted');
  expect(await ledger.take(runner, first, second, third, fourth)).toEqual([
    'taken',
    'waits',
    'waits',
    'waits',
  ]);
  await cancelTask(pool, fourth.id);
  expect(await ledger.waiting()).toEqual(new Set([second.id, third.id]));
  await ledger.free(runner, first);
  expect(await ledger.called()).toEqual([second.id]);
  await cancelTask(pool, second.id);
  expect(await ledger.called()).toEqual([third.id]);
  expect(await ledger.waiting()).toEqual(new Set());
  await cancelTask(pool, third.id);
});

test('Q5: a task that was called for one key, and has to wait for another one, passes its call on', async () => {
  const [one, two] = [await limitOf(1), await limitOf(1)];
  const runner = await ledger.runner();
  const [holdsOne, holdsTwo] = await ledger.tasks('ledger.x', one, two);
  const [both, next] = await ledger.tasks('ledger.x', [...one, ...two], one);
  if (!holdsOne || !holdsTwo || !both || !next) throw new Error('nothing was submitted');
  expect(await ledger.take(runner, holdsOne)).toEqual(['taken']);
  expect(await ledger.take(runner, both, next)).toEqual(['waits', 'waits']);
  expect(await ledger.take(runner, holdsTwo)).toEqual(['taken']);
  await ledger.free(runner, holdsOne);
  expect(await ledger.called()).toEqual([both.id]);
  expect(await ledger.take(runner, both)).toEqual(['waits']);
  expect(await ledger.called()).toEqual([next.id]);
  expect(await ledger.take(runner, next)).toEqual(['taken']);
  await ledger.free(runner, next, holdsTwo);
  expect(await ledger.take(runner, both)).toEqual(['taken']);
});

test('Q5: a slot is kept for the task that was called, and not for others that ask first', async () => {
  const keys = await limitOf(1);
  const runner = await ledger.runner();
  const [first, second, late] = await ledger.tasks('ledger.x', keys, keys, keys);
  if (!first || !second || !late) throw new Error('nothing was submitted');
  expect(await ledger.take(runner, first, second)).toEqual(['taken', 'waits']);
  await ledger.free(runner, first);
  expect(await ledger.take(runner, late)).toEqual(['waits']);
  expect(await ledger.take(runner, second)).toEqual(['taken']);
  await cancelTask(pool, late.id);
});

test('Q5: when a task starts long after it was called, those that it held up are called at once', async () => {
  const keys = await limitOf(2);
  const runner = await ledger.runner();
  const [one, two, slow, held] = await ledger.tasks('ledger.x', keys, keys, keys, keys);
  if (!one || !two || !slow || !held) throw new Error('nothing was submitted');
  expect(await ledger.take(runner, one, two, slow, held)).toEqual(['taken', 'taken', 'waits', 'waits']);
  await ledger.free(runner, one);
  expect(await ledger.called()).toEqual([slow.id]);
  await pool.query(
    `update errand.limit_waits set called_at = called_at - interval '1 minute' where called_at is not null`,
  );
  await ledger.free(runner, two);
  expect(await ledger.called()).toEqual([slow.id]);
  expect(await ledger.take(runner, slow)).toEqual(['taken']);
  expect(await ledger.called()).toEqual([held.id]);
  expect(await ledger.take(runner, held)).toEqual(['taken']);
});

test.each(['the first', 'the second'])(
  'Q5: of tasks that were called for different keys and need all of them, the one that was called first starts, if %s asks first',
  async (who) => {
    const [one, two] = [await limitOf(1), await limitOf(1)];
    const runner = await ledger.runner();
    const [holdsOne, holdsTwo] = await ledger.tasks('ledger.x', one, two);
    const [left, right] = await ledger.tasks('ledger.x', [...one, ...two], [...one, ...two]);
    if (!holdsOne || !holdsTwo || !left || !right) throw new Error('nothing was submitted');
    await ledger.take(runner, holdsOne);
    expect(await ledger.take(runner, left)).toEqual(['waits']);
    await ledger.take(runner, holdsTwo);
    expect(await ledger.take(runner, right)).toEqual(['waits']);
    await ledger.free(runner, holdsOne);
    await ledger.free(runner, holdsTwo);
    // Each of both keys is kept for one of them.
    expect(await ledger.called()).toEqual([left.id, right.id]);
    if (who === 'the second') expect(await ledger.take(runner, right)).toEqual(['waits']);
    expect(await ledger.take(runner, left)).toEqual(['taken']);
  },
);

test('Q5: the slots of a suspect move to the process that executes it, if its runner is still live', async () => {
  const keys = await limitOf(1);
  const [parent, child] = [await ledger.runner(), await ledger.runner()];
  const [task] = await ledger.tasks('ledger.x', keys);
  if (task === undefined) throw new Error('nothing was submitted');
  await ledger.take(parent, task);
  const attempt = { id: task.id, dispatchId: await ledger.dispatchOf(task.id) };
  expect(await moveSlots(pool, attempt, parent, child)).toBe(true);
  await ledger.free(parent, task);
  expect(await ledger.holders(keys[0]?.[0] ?? '')).toEqual([{ task_id: task.id, runner_id: child }]);
  await pool.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [child]);
  expect(await moveSlots(pool, attempt, child, parent)).toBe(false);
  expect(await ledger.holders(keys[0]?.[0] ?? '')).toEqual([{ task_id: task.id, runner_id: child }]);
});

test('Q5: to cancel, take and free the same tasks at once never ends in a deadlock', async () => {
  const limits = [await limitOf(1), await limitOf(2), await limitOf(1)].flat();
  const runners = [await ledger.runner(), await ledger.runner()];
  const refused: unknown[] = [];
  for (let round = 0; round < 15; round++) {
    const all = await ledger.tasks(
      'ledger.x',
      ...Array.from({ length: 12 }, (_none, index) => limits.filter((_one, bit) => ((index + 1) >> bit) & 1)),
    );
    const shuffled = [
      all,
      all.toReversed(),
      all.toSorted((a, b) => (a.keys.length < b.keys.length ? -1 : 1) || (a.id < b.id ? 1 : -1)),
    ];
    await Promise.all(
      shuffled
        .flatMap((tasks, index) => [
          ledger.take(runners[index % 2] ?? 0, ...tasks),
          ledger.free(runners[index % 2] ?? 0, ...tasks),
          ...tasks.map(({ id }, place) => (place % 3 === index ? cancelTask(pool, id) : null)),
        ])
        .map((one) => Promise.resolve(one).catch((error: unknown) => refused.push(error))),
    );
    await Promise.all(all.map(({ id }) => cancelTask(pool, id)));
    await ledger.free(runners[0] ?? 0, ...all);
    await pool.query('delete from errand.limit_slots');
  }
  expect(refused).toEqual([]);
  expect(await ledger.waiting()).toEqual(new Set());
});

test('a task that somebody else changes at the moment is not parked, and asking again is answered', async () => {
  const keys = await limitOf(1);
  const runner = await ledger.runner();
  const [first, second] = await ledger.tasks('ledger.x', keys, keys);
  if (!first || !second) throw new Error('nothing was submitted');
  await ledger.take(runner, first);
  const starting = [
    {
      id: second.id,
      dispatchId: await ledger.dispatchOf(second.id),
      keys: [[keys[0]?.[0] ?? '', '']] as [string, string][],
    },
  ];
  const client = await pool.connect();
  await client.query('begin');
  await client.query('select from errand.tasks where id = $1 for update', [second.id]);
  expect((await takeSlots(pool, runner, starting)).took).toEqual(['busy']);
  await client.query('commit');
  client.release();
  expect((await takeSlots(pool, runner, starting)).took).toEqual(['waits']);
});
