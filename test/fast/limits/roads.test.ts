import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineLimit } from '../../../core/limits/define_limit.ts';
import { dispatchLost } from '../../../store/attempts/reconcile.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { pause as pauseName, resume } from '../../support/pauses.ts';
import { finished, inState, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { createWitness, type Keyed, limited, startLimited, stateOf } from './limited.ts';

const { pool } = await createDatabase();

const many = (count: number, name: string, payload: Keyed = {}) =>
  Array.from({ length: count }, () => ({ name, payload }));

/** A handler that waits until it is opened, or aborted, and says how many of it run. */
function gated() {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const witness = createWitness();
  const work = (_payload: unknown, { signal }: { signal: AbortSignal }) =>
    witness.within([''], async () => {
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
      await Promise.race([gate, aborted]);
    });
  return { witness, work, open };
}

const waitsFor = (limit: string, waits: number) =>
  until(`${waits} wait for ${limit}`, async () => (await stateOf(pool, limit)).waits === waits);

test('a larger limit lets as many of those that wait start as there is room for now', async () => {
  const { witness, work, open } = gated();
  await startLimited(pool, [limited('raised.x', 1)], work);
  const tasks = await submit(pool, ...many(5, 'raised.x'));
  await waitsFor('raised.x', 4);
  await registerDefinitions(pool, [limited('raised.x', 3, '1.1.0')]);
  await until('three run', () => witness.now() === 3);
  await waitsFor('raised.x', 2);
  open();
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(3);
});

test('a smaller limit ends nothing that runs, and starts nothing until there is room', async () => {
  const { witness, work, open } = gated();
  await startLimited(pool, [limited('lowered.x', 3)], work);
  const tasks = await submit(pool, ...many(4, 'lowered.x'));
  await until('three run', () => witness.now() === 3);
  await registerDefinitions(pool, [limited('lowered.x', 1, '1.1.0')]);
  expect(witness.now()).toBe(3);
  open();
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('when a limit is removed all that waited for it start', async () => {
  const { witness, work, open } = gated();
  await startLimited(pool, [limited('removed.x', 1)], work);
  const tasks = await submit(pool, ...many(6, 'removed.x'));
  await waitsFor('removed.x', 5);
  const { policy, ...rest } = limited('removed.x', 1, '1.1.0');
  const { concurrency: _rules, ...without } = policy;
  await registerDefinitions(pool, [{ ...rest, policy: without }]);
  await until('all run', () => witness.now() === 6);
  open();
  for (const { id } of tasks) await finished(pool, id);
  expect(await stateOf(pool, 'removed.x')).toEqual({ slots: 0, waits: 0 });
});

test('an attempt that was cancelled keeps its slot until its handler has returned', async () => {
  const witness = createWitness();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  await startLimited(pool, [limited('cancelled.x', 1)], () => witness.within([''], () => gate));
  const [first, next] = await submit(pool, ...many(2, 'cancelled.x'));
  await until('one runs', () => witness.now() === 1);
  await waitsFor('cancelled.x', 1);
  const [running] = (
    await pool.query('select task_id as id from errand.limit_slots where limit_name = $1', ['cancelled.x'])
  ).rows;
  await cancelTask(pool, running.id);
  expect(await stateOf(pool, 'cancelled.x')).toEqual({ slots: 1, waits: 1 });
  open();
  const other = running.id === first?.id ? next : first;
  expect(await finished(pool, other?.id ?? '')).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(1);
  expect(await stateOf(pool, 'cancelled.x')).toEqual({ slots: 0, waits: 0 });
});

test('a waiting task that is cancelled waits no more, and the next one has its turn', async () => {
  const { witness, work, open } = gated();
  await startLimited(pool, [limited('left.x', 1)], work);
  const tasks = await submit(pool, ...many(3, 'left.x'));
  await waitsFor('left.x', 2);
  const { rows } = await pool.query<{ task_id: string }>(
    'select task_id from errand.limit_waits where limit_name = $1',
    ['left.x'],
  );
  expect(await cancelTask(pool, rows[0]?.task_id ?? '')).toMatchObject({ state: 'cancelled' });
  expect(await stateOf(pool, 'left.x')).toEqual({ slots: 1, waits: 1 });
  open();
  for (const { id } of tasks) await finished(pool, id);
  expect(witness.most()).toBe(1);
});

test('a task that backs off holds no slot', async () => {
  const definition = limited('failing.x', 1);
  let fails = true;
  await startLimited(pool, [definition], (payload) => {
    if ((payload as Keyed).key === 'fails' && fails) throw new Error('not yet');
  });
  const { id } = await submitOne(pool, { name: 'failing.x', payload: { key: 'fails' } });
  await inState(pool, id, 'retrying');
  const other = await submitOne(pool, { name: 'failing.x', payload: {} });
  expect(await finished(pool, other.id)).toMatchObject({ state: 'succeeded' });
  fails = false;
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('a runner that stops gives back its slots with what it interrupts', async () => {
  const { work } = gated();
  const first = await startLimited(pool, [limited('stopped.x', 1)], work, { shutdownTimeoutSecs: 0 });
  const { id } = await submitOne(pool, { name: 'stopped.x', payload: {} });
  await inState(pool, id, 'running');
  await first.stop();
  expect(await stateOf(pool, 'stopped.x')).toEqual({ slots: 0, waits: 0 });
  await startLimited(pool, [limited('stopped.x', 1)], () => 'done');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('a paused name keeps no slot of a shared limit from another name', async () => {
  const limit = defineLimit({ name: 'shared.db', limit: 1 });
  const names = ['shared.one', 'shared.two'] as const;
  const { witness, work, open } = gated();
  await startLimited(
    pool,
    names.map((name) => limited(name, limit)),
    work,
  );
  const running = await submitOne(pool, { name: 'shared.one', payload: {} });
  await until('one runs', () => witness.now() === 1);
  const paused = await submit(pool, ...many(3, 'shared.one'));
  await waitsFor('shared.db', 3);
  const others = await submit(pool, ...many(2, 'shared.two'));
  await waitsFor('shared.db', 5);
  await pauseName(pool, 'shared.one');
  open();
  await finished(pool, running.id);
  for (const { id } of others) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(await stateOf(pool, 'shared.db')).toEqual({ slots: 0, waits: 3 });
  await resume(pool, 'shared.one');
  for (const { id } of paused) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('a name whose runner is gone keeps no slot of a shared limit for long', async () => {
  const limit = defineLimit({ name: 'orphan.db', limit: 1 });
  const { witness, work, open } = gated();
  const gone = await startLimited(pool, [limited('orphan.one', limit)], work, { shutdownTimeoutSecs: 0 });
  await startLimited(pool, [limited('orphan.two', limit)], work);
  const running = await submitOne(pool, { name: 'orphan.two', payload: {} });
  await until('one runs', () => witness.now() === 1);
  await submit(pool, ...many(3, 'orphan.one'));
  await waitsFor('orphan.db', 3);
  await gone.stop();
  const other = await submitOne(pool, { name: 'orphan.two', payload: {} });
  await waitsFor('orphan.db', 4);
  open();
  await finished(pool, running.id);
  // As if the time in which a called task has to start were over.
  await pool.query(
    `update errand.limit_waits set called_at = called_at - interval '1 hour' where called_at is not null`,
  );
  expect(await finished(pool, other.id)).toMatchObject({ state: 'succeeded' });
});

test('a key that cannot be computed fails its task, and no other', async () => {
  const definition = limited('keyless.x', {
    limit: 1,
    key: ({ key }) => {
      if (key === undefined) throw new Error('no key');
      return key;
    },
  });
  await startLimited(pool, [definition], () => 'done');
  const { rows } = await pool.query<{ id: string }>(`select id from errand.submit('keyless.x', '{}')`);
  const failed = await finished(pool, rows[0]?.id ?? '');
  expect(failed).toMatchObject({ state: 'failed', attempt: 1, error: { error_code: 'INVALID_LIMIT_KEY' } });
  expect(failed.error?.message).toBe(
    'The key of the limit keyless.x:key could not be computed, because its function threw an error',
  );
  expect(JSON.stringify(failed.error?.causes)).toContain('no key');
  const { id } = await submitOne(pool, { name: 'keyless.x', payload: { key: 'a' } });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('a payload that is read apart because it is large has its key, too', async () => {
  const witness = createWitness();
  await startLimited(pool, [limited('large.x', { limit: 1, key: ({ key }) => key?.slice(0, 3) ?? '' })], () =>
    witness.within([''], () => pause(5)),
  );
  const tasks = await submit(pool, ...many(4, 'large.x', { key: `abc${'x'.repeat(200_000)}` }));
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witness.most()).toBe(1);
});

test('what waits for a slot is not taken for lost, and the lost dispatch of a called one is found', async () => {
  const { work, open } = gated();
  const runner = await startLimited(pool, [limited('lost.x', 1)], work);
  const tasks = await submit(pool, ...many(3, 'lost.x'));
  await waitsFor('lost.x', 2);
  await pool.query(`update errand.tasks set run_at = run_at - interval '1 hour' where name = 'lost.x'`);
  expect(await dispatchLost(pool)).toMatchObject({ dispatched: 0 });
  await pauseName(pool, 'lost');
  await until('it is known', () => runner.pauses.of('lost').length === 1);
  await pool.query(`update errand.limit_waits set called_at = now() where limit_name = 'lost.x'`);
  expect(await dispatchLost(pool)).toMatchObject({ dispatched: 2 });
  await resume(pool, 'lost');
  open();
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
});

test('with the scope of a runner each runner executes so many', async () => {
  const definition = limited('each.x', { limit: 2, scope: 'runner' });
  const witnesses = [createWitness(), createWitness()];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  for (const witness of witnesses) {
    await startLimited(pool, [definition], () => witness.within([''], () => gate));
  }
  const tasks = await submit(pool, ...many(9, 'each.x'));
  await until('each runs two', () => witnesses.every((witness) => witness.now() === 2));
  open();
  for (const { id } of tasks) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  expect(witnesses.map((witness) => witness.most())).toEqual([2, 2]);
});
