import { afterEach, expect, test } from 'vitest';
import type { LimitKey } from '../../../core/limits/key.ts';
import { FIRST_KEY, repairLimits } from '../../../store/limits/repair.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { toItems } from '../../../store/submit/submit.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { finished, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { ledgerOf, type Moved } from './ledger.ts';
import { limited, startLimited, stateOf } from './limited.ts';

const { pool } = await createDatabase();
const ledger = ledgerOf(pool);

afterEach(ledger.clear);

/** Frees the slot of `running` and starts what is called, so many times. Gives the ids in order. */
async function turns(
  runner: number,
  running: Moved,
  all: ReadonlyMap<string, Moved>,
  count: number,
): Promise<string[]> {
  const order: string[] = [];
  let current = running;
  for (let turn = 0; turn < count; turn++) {
    await ledger.free(runner, current);
    const [id = ''] = await ledger.called();
    const next = all.get(id);
    if (next === undefined) break;
    expect(await ledger.take(runner, next)).toEqual(['taken']);
    order.push(id);
    current = next;
  }
  return order;
}

test('Q3: at a limit without a key the keys of a rule take turns, however many tasks one of them has', async () => {
  await ledger.limit('turns.x', 1);
  await ledger.limit('turns.x:key', 100);
  const runner = await ledger.runner();
  const of = (key: string): [string, string][] => [
    ['turns.x', ''],
    ['turns.x:key', key],
  ];
  const many = await ledger.tasks('turns.x', ...Array.from({ length: 300 }, () => of('a')));
  const [first, ...rest] = many;
  if (first === undefined) throw new Error('nothing was submitted');
  await ledger.take(runner, first);
  await ledger.take(runner, ...rest);
  const few = await ledger.tasks('turns.x', of('b'), of('c'), of('b'));
  for (const one of few) expect(await ledger.take(runner, one)).toEqual(['waits']);
  const keyOf = new Map([
    ...many.map(({ id }) => [id, 'a'] as const),
    ...few.map(({ id }, index) => [id, 'bcb'[index] ?? ''] as const),
  ]);
  const all = new Map([...many, ...few].map((task) => [task.id, task]));
  const order = await turns(runner, first, all, 8);
  expect(order.map((id) => keyOf.get(id)).join('')).toBe('abcabaaa');
  // The order of the submission within a key.
  expect(order.filter((id) => keyOf.get(id) === 'a')).toEqual(rest.slice(0, 5).map(({ id }) => id));
});

test('Q3: several free slots go to as many keys, and what they leave goes to the others', async () => {
  await ledger.limit('several.x', 6);
  const runner = await ledger.runner();
  const of = (key: string): [string, string][] => [
    ['several.x', ''],
    ['none', key],
  ];
  const running = await ledger.tasks('several.x', ...Array.from({ length: 6 }, () => of('z')));
  await ledger.take(runner, ...running);
  const waiting = await ledger.tasks('several.x', ...'aaaaaaaabc'.split('').map(of));
  await ledger.limit('none', 1_000);
  await ledger.take(runner, ...waiting);
  await ledger.free(runner, ...running);
  const called = new Set(await ledger.called());
  expect(waiting.map(({ id }) => called.has(id))).toEqual([...'1111000011'].map((one) => one === '1'));
});

test('Q3: a key whose tasks are all paused keeps no slot from the others', async () => {
  await ledger.limit('held.l', 4);
  const runner = await ledger.runner();
  const of = (key: string): [string, string][] => [
    ['held.l', ''],
    ['held.k', key],
  ];
  await ledger.limit('held.k', 1_000);
  const running = await ledger.tasks('held.x', of('a'), of('a'), of('a'), of('a'));
  await ledger.take(runner, ...running);
  for (const key of ['b', 'c', 'd'])
    await ledger.take(runner, ...(await ledger.tasks('held.paused', of(key))));
  const waiting = await ledger.tasks('held.x', of('e'), of('e'), of('e'));
  await ledger.take(runner, ...waiting);
  await pool.query(`insert into errand.pauses (target, actor) values ('held.paused', 'test')`);
  await ledger.free(runner, ...running);
  expect(new Set(await ledger.called())).toEqual(new Set(waiting.map(({ id }) => id)));
});

test('Q3: priority decides within a key', async () => {
  await ledger.limit('urgent.x:key', 1);
  const runner = await ledger.runner();
  const keys: [string, string][] = [['urgent.x:key', 'a']];
  const made = await submit(
    pool,
    ...[0, 5, 0, -5].map((priority) => ({ name: 'urgent.x', payload: {}, priority })),
  );
  const tasks = made.map(({ id }) => ({ id, keys }));
  const [first, low, plain, urgent] = tasks;
  if (!first || !low || !plain || !urgent) throw new Error('nothing was submitted');
  await ledger.take(runner, first);
  await ledger.take(runner, low, plain, urgent);
  const order = await turns(runner, first, new Map(tasks.map((task) => [task.id, task])), 3);
  expect(order).toEqual([urgent.id, plain.id, low.id]);
});

const aged = (everySeconds?: number) => {
  const { policy, ...rest } = limited('aged.x', 1);
  return {
    ...rest,
    policy: { ...policy, ...(everySeconds === undefined ? {} : { aging: { everySeconds } }) },
  };
};

test.each([
  ['without aging', undefined, 'urgent'],
  ['with a step of a second', 1, 'old'],
  ['with a step of a minute', 60, 'urgent'],
] as const)(
  'Q3: waiting raises the priority, if the definition says so: %s',
  async (_how, everySeconds, next) => {
    await registerDefinitions(pool, [aged(everySeconds)]);
    const runner = await ledger.runner();
    const runAt = new Date(Date.now() - 60_000).toISOString();
    const made = await submit(
      pool,
      { name: 'aged.x', payload: {} },
      { name: 'aged.x', payload: {}, runAt },
      { name: 'aged.x', payload: {}, priority: -10 },
    );
    const [first, old, urgent] = made.map(({ id }): Moved => ({ id, keys: [['aged.x', '']] }));
    if (!first || !old || !urgent) throw new Error('nothing was submitted');
    await ledger.take(runner, first);
    await ledger.take(runner, old, urgent);
    await ledger.free(runner, first);
    expect(await ledger.called()).toEqual([{ old, urgent }[next].id]);
    for (const { id } of made) await cancelTask(pool, id);
  },
);

const keysOf = (name: string, key: string): LimitKey[] => [[`${name}:key`, key]];

test('Q3: of submitted tasks whose keys are known, only as many are dispatched as there are slots', async () => {
  const definition = limited('parked.x', { limit: 2, key: ({ key }) => key ?? '' });
  await registerDefinitions(pool, [definition]);
  const task = (key: string) => ({ name: 'parked.x', payload: { key }, limitKeys: keysOf('parked.x', key) });
  const tasks = await submit(pool, ...Array.from({ length: 10 }, () => task('a')), task('b'));
  expect(await stateOf(pool, 'parked.x:key')).toEqual({ slots: 0, waits: 8 });
  const more = await submit(pool, task('a'), { ...task('a'), delayMs: 50 });
  expect(await stateOf(pool, 'parked.x:key')).toEqual({ slots: 0, waits: 9 });
  await startLimited(pool, [definition], () => 'done');
  for (const { id } of [...tasks, ...more])
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(await stateOf(pool, 'parked.x:key')).toEqual({ slots: 0, waits: 0 });
});

test('F20: a slot that comes free before the submission is committed, and a crash right after it, leave nobody waiting', async () => {
  await ledger.limit('crashed.x', 1);
  const runner = await ledger.runner();
  const [first] = await ledger.tasks('crashed.x', [['crashed.x', '']]);
  if (first === undefined) throw new Error('nothing was submitted');
  await ledger.take(runner, first);
  const none = { dedup: { dedup: null, key: null }, requestId: null, traceparent: null };
  const items = toItems([
    {
      name: 'crashed.x',
      version: '1.0.0',
      payload: {},
      priority: 0,
      maxAttempts: 1,
      ...none,
      limitKeys: [['crashed.x', '']],
    },
  ]);
  const client = await pool.connect();
  await client.query('begin');
  await client.query('select from errand.submit_tasks($1::jsonb)', [JSON.stringify(items)]);
  await ledger.free(runner, first);
  await client.query('commit');
  client.release();
  expect(await ledger.called()).toEqual([]);
  expect((await ledger.waiting()).size).toBe(1);
  await repairLimits(pool, FIRST_KEY);
  expect((await ledger.called()).length).toBe(1);
});

test('Q3: the task of another key is not kept waiting by a backlog', async () => {
  const definition = limited('backlog.x', [2, { limit: 2, key: ({ key }) => key ?? '' }]);
  await registerDefinitions(pool, [definition]);
  const keys = (key: string): LimitKey[] => [
    ['backlog.x', ''],
    ['backlog.x:key', key],
  ];
  const task = (key: string) => ({ name: 'backlog.x', payload: { key }, limitKeys: keys(key) });
  const many = await submit(pool, ...Array.from({ length: 500 }, () => task('a')));
  const [other] = await submit(pool, task('b'));
  let before = -1;
  let started = 0;
  await startLimited(pool, [definition], (payload) => {
    if ((payload as { key: string }).key === 'b') before = started;
    started++;
  });
  await until('it has started', () => before >= 0);
  await finished(pool, other?.id ?? '');
  // Those that had slots when it was submitted, and a turn of each of them.
  expect(before).toBeLessThanOrEqual(8);
  await until('all are done', async () => (await stateOf(pool, 'backlog.x')).waits === 0);
  expect(many).toHaveLength(500);
});
