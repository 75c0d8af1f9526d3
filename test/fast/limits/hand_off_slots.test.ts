import { expect, test } from 'vitest';
import type { LimitKey } from '../../../core/limits/key.ts';
import { createDatabase } from '../../support/database.ts';
import { finished, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { createWitness, type Keyed, limited, startLimited, stateOf } from './limited.ts';

// Issues 19 and 21: the record of an attempt lets the next task of its key have the slot, and its runner starts it.

const byKey = (limit: number) => ({ limit, key: ({ key = '' }: Keyed) => key });

/** As the API submits tasks of keys that are full: they wait from the start. */
const waiting = (name: string, rule: string, key: string) => ({
  name,
  payload: { key },
  limitKeys: [[rule, key] satisfies LimitKey],
});

test('the next task of a key starts with the slot of the one before, without a dispatch', async () => {
  const { pool } = await createDatabase();
  const witness = createWitness();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const order: string[] = [];
  await startLimited(pool, [limited('off.x', [byKey(1)])], async ({ key = '' }: Keyed, { id }) => {
    order.push(id);
    await witness.within([key], () => gate);
  });
  const first = await submit(pool, ...['a', 'b'].map((key) => ({ name: 'off.x', payload: { key } })));
  await until('both keys are full', () => order.length === 2);
  const rest = await submit(pool, ...[...'aababaabbbab'].map((key) => waiting('off.x', 'off.x:key', key)));
  expect(await stateOf(pool, 'off.x:key')).toEqual({ slots: 2, waits: rest.length });
  const before = await jobsEver(pool);
  open();
  for (const { id } of [...first, ...rest]) await finished(pool, id);
  // No job was added for any of them.
  expect(await jobsEver(pool)).toBe(before);
  expect([witness.most('a'), witness.most('b')]).toEqual([1, 1]);
  const ofKey = (key: string) => rest.filter((_task, at) => 'aababaabbbab'[at] === key).map(({ id }) => id);
  for (const key of ['a', 'b']) expect(order.filter((id) => ofKey(key).includes(id))).toEqual(ofKey(key));
  await until('all slots are free', async () => (await stateOf(pool, 'off.x:key')).slots === 0);
});

test('a task that waited with the key of an older version of the code does not run in its slot', async () => {
  const { pool } = await createDatabase();
  const witness = createWitness();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let started = 0;
  await startLimited(pool, [limited('old.x', [byKey(1)])], async ({ key = '' }: Keyed) => {
    started++;
    await witness.within([key], () => gate);
  });
  const [first] = await submit(pool, { name: 'old.x', payload: { key: 'a' } });
  await until('the key is full', () => started === 1);
  // Today's code gives them the key b.
  const rest = await submit(
    pool,
    ...Array.from({ length: 3 }, () => ({ ...waiting('old.x', 'old.x:key', 'a'), payload: { key: 'b' } })),
  );
  open();
  for (const { id } of [first, ...rest].flatMap((task) => task ?? []))
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect([witness.most('a'), witness.most('b')]).toEqual([1, 1]);
  await until('all slots are free', async () => (await stateOf(pool, 'old.x:key')).slots === 0);
});

async function jobsEver(pool: Awaited<ReturnType<typeof createDatabase>>['pool']): Promise<string> {
  const { rows } = await pool.query<{ last: string }>(
    `select pg_sequence_last_value(pg_get_serial_sequence('errand_worker._private_jobs', 'id'))::text as last`,
  );
  return rows[0]?.last ?? '';
}
