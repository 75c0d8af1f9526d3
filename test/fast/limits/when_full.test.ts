import { expect, test } from 'vitest';
import { z } from 'zod';
import type { WhenFull } from '../../../core/limits/rules.ts';
import type { Handler } from '../../../core/task.ts';
import { defineWorkflow, step } from '../../../core/workflow.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { takeSlots } from '../../../store/limits/slots.ts';
import { endDecided, hasDecided } from '../../../store/operators/end_decided.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import type { Task } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { finished, inState, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { type Keyed, limited, startLimited, stateOf } from './limited.ts';

const { pool } = await createDatabase();

const one = (name: `${string}.${string}`, whenFull: WhenFull) =>
  limited(name, { limit: 1, key: ({ key }) => key ?? 'none', whenFull });

/** A handler that ends when it is told to, or aborted; and what ran. */
function held() {
  const ran: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const handler: Handler = async (_payload, { id, signal }) => {
    ran.push(id);
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve());
    await Promise.race([gate, aborted]);
    signal.throwIfAborted();
  };
  return { handler, ran, open };
}

const submit = (name: string, key: string, more: object = {}): Promise<Task> =>
  submitOne(pool, { name, payload: { key }, ...more });

const waits = async (id: string): Promise<boolean> => {
  const { rows } = await pool.query('select from errand.limit_waits where task_id = $1', [id]);
  return rows.length > 0;
};

test('Q4: discard ends a new task that finds no free slot, and reports it once', async () => {
  const { handler, ran, open } = held();
  await startLimited(pool, [one('discard.x', 'discard')], handler);
  const first = await submit('discard.x', 'a');
  await inState(pool, first.id, 'running');
  const second = await submit('discard.x', 'a', { callbackUrl: 'https://hooks.example.com/errand' });
  const other = await submit('discard.x', 'b');
  expect(await finished(pool, second.id)).toMatchObject({
    ...{ state: 'cancelled', started_at: null },
    error: { error_code: 'LIMIT_FULL', retryable: false },
  });
  await inState(pool, other.id, 'running');
  const { rows } = await pool.query('select payload from errand.tasks where callback_of = $1', [second.id]);
  expect(rows).toMatchObject([{ payload: { body: { type: 'task.cancelled' } } }]);
  const audit = await pool.query('select actor, action, reason from errand.audit where task_id = $1', [
    second.id,
  ]);
  expect(audit.rows).toEqual([
    { actor: 'limit:discard.x:key', action: 'cancel', reason: expect.stringContaining('discard') },
  ]);
  open();
  await finished(pool, first.id);
  const third = await submit('discard.x', 'a');
  expect(await finished(pool, third.id)).toMatchObject({ state: 'succeeded' });
  expect(ran).not.toContain(second.id);
  expect(await stateOf(pool, 'discard.x:key')).toEqual({ slots: 0, waits: 0 });
});

test('replace ends those that wait for the key, and the newest waits', async () => {
  const { handler, ran, open } = held();
  await startLimited(pool, [one('replace.x', 'replace')], handler);
  const first = await submit('replace.x', 'a');
  await inState(pool, first.id, 'running');
  const second = await submit('replace.x', 'a');
  await until('the second waits', () => waits(second.id));
  const third = await submit('replace.x', 'a');
  expect(await finished(pool, second.id)).toMatchObject({
    state: 'cancelled',
    error: { error_code: 'REPLACED' },
  });
  await until('the third waits', () => waits(third.id));
  open();
  expect(await finished(pool, third.id)).toMatchObject({ state: 'succeeded' });
  expect(await finished(pool, first.id)).toMatchObject({ state: 'succeeded' });
  expect(ran).toEqual([first.id, third.id]);
  expect(await stateOf(pool, 'replace.x:key')).toEqual({ slots: 0, waits: 0 });
});

test('of many that come together the newest stays', async () => {
  const { handler, ran, open } = held();
  await startLimited(pool, [one('many.x', 'replace')], handler);
  const first = await submit('many.x', 'a');
  await inState(pool, first.id, 'running');
  const others = await Promise.all(Array.from({ length: 12 }, () => submit('many.x', 'a')));
  const ids = others.map(({ id }) => id).toSorted();
  const newest = ids.pop() ?? '';
  for (const id of ids)
    expect(await finished(pool, id)).toMatchObject({ state: 'cancelled', error: { error_code: 'REPLACED' } });
  open();
  expect(await finished(pool, newest)).toMatchObject({ state: 'succeeded' });
  expect(ran).toEqual([first.id, newest]);
});

test('cancel also asks the running attempt to end, and the newest starts', async () => {
  const { handler, ran, open } = held();
  await startLimited(pool, [one('cancel.x', 'cancel')], handler);
  const first = await submit('cancel.x', 'a');
  await inState(pool, first.id, 'running');
  const beside = await submit('cancel.x', 'b');
  await inState(pool, beside.id, 'running');
  const second = await submit('cancel.x', 'a');
  expect(await finished(pool, first.id)).toMatchObject({
    state: 'cancelled',
    error: { error_code: 'REPLACED' },
  });
  await inState(pool, second.id, 'running');
  open();
  expect(await finished(pool, second.id)).toMatchObject({ state: 'succeeded' });
  expect(await finished(pool, beside.id)).toMatchObject({ state: 'succeeded' });
  expect(ran).toEqual([first.id, beside.id, second.id]);
});

test('a retry waits, whatever the rule says', async () => {
  let fails = true;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const definition = limited('retry.x', { limit: 1, whenFull: 'discard' });
  await startLimited(pool, [definition], async (payload) => {
    if ((payload as Keyed).key === 'long') await gate;
    else if (fails) throw new Error('once');
  });
  const first = await submit('retry.x', 'short', { maxAttempts: 5 });
  await inState(pool, first.id, 'retrying');
  const long = await submit('retry.x', 'long');
  await inState(pool, long.id, 'running');
  await until('the retry waits', () => waits(first.id));
  fails = false;
  open();
  expect(await finished(pool, first.id)).toMatchObject({ state: 'succeeded' });
});

test('if the runner that decided dies, another one ends them', async () => {
  const definition = one('died.x', 'replace');
  await registerDefinitions(pool, [definition]);
  const runner = await registerRunner(pool, {
    ...{ host: 'here', pid: 1, version: 'test', taskNames: ['died.x'], concurrency: 1, leaseSecs: 3_600 },
  });
  const tasks = [await submit('died.x', 'a'), await submit('died.x', 'a'), await submit('died.x', 'a')];
  const { rows } = await pool.query<{ id: string; dispatch_id: string }>(
    `select id, dispatch_id from errand.tasks where name = 'died.x' order by id`,
  );
  const starting = rows.map(({ id, dispatch_id: dispatchId }) => ({
    ...{ id, dispatchId, keys: [['died.x:key', 'a', 'replace'] as const] },
  }));
  const { took } = await takeSlots(pool, runner, starting);
  expect(took).toEqual(['taken', 'full', 'waits']);
  expect(await hasDecided(pool)).toBe(true);
  // Asked again, because the answer was lost.
  expect((await takeSlots(pool, runner, starting.slice(0, 2))).took).toEqual(['taken', 'gone']);
  await endDecided(pool);
  await endDecided(pool);
  expect(await hasDecided(pool)).toBe(false);
  expect(await finished(pool, tasks[1]?.id ?? '')).toMatchObject({
    ...{ state: 'cancelled', started_at: null },
    error: { error_code: 'REPLACED' },
  });
  expect(await waits(tasks[2]?.id ?? '')).toBe(true);
});

test('whenFull is refused where it means nothing', () => {
  expect(() => limited('no.word', { limit: 1, whenFull: 'drop' as WhenFull })).toThrow(/whenFull/);
  expect(() => limited('no.runner', { limit: 1, scope: 'runner', whenFull: 'discard' })).toThrow(
    /whenFull: must be wait with the scope runner/,
  );
  const base = { version: '1.0.0', description: 'No', payload: z.strictObject({}), example: {} };
  const policy = { concurrency: { limit: 1, whenFull: 'discard' as const } };
  expect(() => defineWorkflow({ ...base, name: 'no.flow', steps: { a: step({ policy }) } })).toThrow(
    'the step a cannot have whenFull: a step that did not run would end its workflow',
  );
});
