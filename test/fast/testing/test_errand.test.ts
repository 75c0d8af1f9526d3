import { Client } from 'pg';
import { describe, expect, expectTypeOf, inject, test } from 'vitest';
import { z } from 'zod';
import type { TasksOf } from '../../../client/index.ts';
import { PermanentError } from '../../../core/errors.ts';
import { defineHandler, defineTask } from '../../../core/task.ts';
import { listTasks } from '../../../core/task_list.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { startTestErrand } from '../../../testing/index.ts';
import { whenDone } from '../../support/when_done.ts';

const payload = z.object({ n: z.number().default(0) });
const base = { version: '1.0.0', description: 'For this test', payload, example: {} };
const ran: string[] = [];

/** What `shop.gated` waits for. */
const gate = Promise.withResolvers<void>();
const gated = defineTask({ ...base, name: 'shop.gated' });
const count = defineTask({ ...base, name: 'shop.count', result: z.number() });
const flaky = defineTask({
  ...base,
  name: 'shop.flaky',
  policy: { backoff: { initialMs: 3_600_000, factor: 2, maxMs: 86_400_000, jitter: 0 }, maxAttempts: 4 },
});
const follow = defineTask({ ...base, name: 'shop.follow' });
const once = defineTask({
  ...base,
  name: 'shop.once',
  policy: { dedup: { strategy: 'payload', windowSeconds: 3_600 } },
});
const broken = defineTask({ ...base, name: 'shop.broken' });
const fan = defineWorkflow({
  ...base,
  name: 'shop.fan',
  steps: { list: step({ result: z.array(z.number()) }), each: step({ after: ['list'], map: count }) },
});
const rated = defineTask({
  ...base,
  name: 'shop.rated',
  policy: { rate: { limit: 2, periodSeconds: 3_600 } },
});
const definitions = [count, flaky, follow, once, gated, broken, fan, rated] as const;
const tasks = listTasks({
  definitions,
  handlers: {
    'shop.count': async () => ({
      default: defineHandler(count, ({ n }) => {
        ran.push(`count ${n}`);
        return n + 1;
      }),
    }),
    'shop.flaky': async () => ({
      default: defineHandler(flaky, (_payload, { attempt }) => {
        ran.push(`flaky ${attempt}`);
        if (attempt < 3) throw new Error('not yet');
        return 'at last';
      }),
    }),
    'shop.follow': async () => ({
      default: defineHandler(follow, async ({ n }, { submit }) => {
        await submit(count, { n });
        await submit(count, { n: n + 100 }, { delayMs: 5_000 });
      }),
    }),
    'shop.once': async () => ({ default: defineHandler(once, () => 'done') }),
    'shop.gated': async () => ({ default: defineHandler(gated, () => gate.promise) }),
    'shop.rated': async () => ({
      default: defineHandler(rated, ({ n }) => {
        ran.push(`rated ${n}`);
      }),
    }),
    'shop.broken': async () => ({
      default: defineHandler(broken, () => {
        throw new PermanentError('never');
      }),
    }),
    'shop.fan': async () => ({
      default: defineSteps(fan, {
        steps: {
          list: { handler: () => [1, 2, 3] },
          each: { payloads: ({ results }) => results.list.map((n) => ({ n })) },
        },
      }),
    }),
  },
});

const start = () => startTestErrand<TasksOf<typeof definitions>>({ tasks, database: inject('postgresUrl') });
const errand = await start();
whenDone(() => errand.stop());

test('drain waits for follow-ups, children and steps, not for what is due later', async () => {
  ran.length = 0;
  const fanned = await errand.submit('shop.fan', {});
  await errand.submit('shop.follow', { n: 10 });
  await errand.drain();
  expect(ran.toSorted()).toEqual(['count 1', 'count 10', 'count 2', 'count 3']);
  expect(await errand.task(fanned.id)).toMatchObject({ state: 'succeeded', result: [2, 3, 4] });
  const submitted = await errand.submitted('shop.count');
  expectTypeOf(submitted[0]?.result).toEqualTypeOf<number | null | undefined>();
  expect(submitted.map((task) => [task.payload, task.state])).toEqual([
    [{ n: 10 }, 'succeeded'],
    [{ n: 110 }, 'scheduled'],
  ]);
  expect((await errand.submitted()).map(({ name }) => name)).toEqual([
    'shop.fan',
    'shop.follow',
    'shop.count',
    'shop.count',
  ]);
});

test('advance executes what is due in that time, in its order', async () => {
  ran.length = 0;
  const retried = await errand.submit('shop.flaky', { n: 1 });
  await errand.submit('shop.count', { n: 7 }, { delaySeconds: 2 * 3_600 });
  await errand.drain();
  expect(ran).toEqual(['flaky 1']);
  await errand.advance('59 minutes');
  expect(ran).toEqual(['flaky 1', 'count 110']);
  await errand.advance('1 minute');
  // The second retry is two hours after the first, the other task one hour after it.
  expect(ran).toEqual(['flaky 1', 'count 110', 'flaky 2']);
  await errand.advance('2 hours');
  expect(ran).toEqual(['flaky 1', 'count 110', 'flaky 2', 'count 7', 'flaky 3']);
  expect(await errand.task(retried.id)).toMatchObject({ state: 'succeeded', result: 'at last' });
});

test('what waits for a rate is not due, and advance brings its time', async () => {
  ran.length = 0;
  for (const n of [1, 2, 3, 4, 5]) await errand.submit('shop.rated', { n });
  await errand.drain();
  expect(ran).toHaveLength(2);
  await errand.advance('59 minutes');
  expect(ran).toHaveLength(2);
  await errand.advance('1 minute');
  expect(ran).toHaveLength(4);
  await errand.advance('1 hour');
  expect(ran).toHaveLength(5);
});

test('advance ends deduplication windows and retention', async () => {
  const first = await errand.submit('shop.once', { n: 5 });
  await errand.drain();
  await errand.advance('50 minutes');
  expect((await errand.submit('shop.once', { n: 5 })).id).toBe(first.id);
  await errand.advance('10 minutes');
  const second = await errand.submit('shop.once', { n: 5 });
  expect(second.id).not.toBe(first.id);
  const failed = await errand.submit('shop.broken', {});
  await errand.drain();
  await errand.advance('25 hours');
  await expect(errand.task(second.id)).rejects.toMatchObject({ status: 404 });
  expect((await errand.task(failed.id)).state).toBe('failed');
  await errand.advance('2 weeks');
  await expect(errand.task(failed.id)).rejects.toMatchObject({ status: 404 });
});

test('drain names the tasks that are still due', async () => {
  const other = await startTestErrand({ tasks, database: inject('postgresUrl') });
  whenDone(() => other.stop());
  await other.client.request('PUT', '/v1/queues/shop.once/pause', { body: {} });
  await other.submit('shop.once', { n: 1 });
  // Paused tasks are not waited for.
  await other.drain();
  const { id } = await other.submit('shop.gated', { n: 1 });
  await expect(other.drain({ timeoutMs: 0 })).rejects.toThrow(`shop.gated ${id} (`);
  gate.resolve();
  await other.drain();
});

describe('databases', () => {
  test('each test has its own, which stop drops', async () => {
    const other = await start();
    await other.submit('shop.count', { n: 1 });
    expect(await other.submitted()).toHaveLength(1);
    await other.stop();
    await other.stop();
    expect(await databases()).not.toContain(new URL(other.databaseUrl).pathname.slice(1));
  });

  test('those of killed tests are dropped by the next start', async () => {
    await onServer('create database errand_test_of_a_killed_one');
    const other = await start();
    whenDone(() => other.stop());
    const names = await databases();
    expect(names).not.toContain('errand_test_of_a_killed_one');
    expect(names).toContain(new URL(errand.databaseUrl).pathname.slice(1));
  });
});

test('a start that fails leaves no database behind', async () => {
  const before = await databases();
  await expect(
    startTestErrand({
      tasks: ['./nowhere'],
      directory: import.meta.dirname,
      database: inject('postgresUrl'),
    }),
  ).rejects.toThrow('the folder ./nowhere does not exist');
  expect(await databases()).toEqual(before);
});

async function databases(): Promise<string[]> {
  const rows = await onServer(
    "select datname from pg_database where datname like 'errand_test_%' order by datname",
  );
  return rows.map(({ datname }) => datname);
}

async function onServer(sql: string): Promise<{ datname: string }[]> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    return (await client.query<{ datname: string }>(sql)).rows;
  } finally {
    await client.end();
  }
}
