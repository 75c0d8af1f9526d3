import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { type Client, createClient, type State, type TasksOf } from '../../../client/index.ts';
import { defineTask } from '../../../core/task.ts';
import { defineWorkflow, step } from '../../../core/workflow.ts';
import type { definitions } from '../../../tasks/index.ts';

// What the compiler must say. `npm run typecheck` fails when one of the expected errors is missing.

const base = { version: '1', description: 'For these types' };

const resize = defineTask({
  ...base,
  name: 'image.resize',
  payload: z.object({ image: z.string(), width: z.int().default(640), at: z.string().transform(Number) }),
  result: z.object({ bytes: z.int(), format: z.string().default('png') }),
  example: { image: 'cat.png', at: '7' },
});

const send = defineTask({
  ...base,
  name: 'billing.send_invoice',
  payload: z3.object({ invoice: z3.string(), copies: z3.number().int().default(1) }),
  result: z3.object({ sent: z3.boolean() }),
  example: { invoice: 'i-1' },
});

const publish = defineWorkflow({
  ...base,
  name: 'image.publish',
  payload: z.object({ id: z.string() }),
  steps: { only: step({}) },
  example: { id: '7' },
});

const ours = [resize, send, publish] as const;
type Ours = TasksOf<typeof ours>;

/** Never called: what is in it is for the compiler. */
function compiled(_code: (client: Client<Ours>) => unknown): void {}

describe('the tasks that are read from definitions', () => {
  test('have what a caller sends and what is stored', () => {
    expectTypeOf<keyof Ours>().toEqualTypeOf<'image.resize' | 'billing.send_invoice' | 'image.publish'>();
    expectTypeOf<Ours['image.resize']>().toEqualTypeOf<{
      payload: { image: string; width?: number | undefined; at: string };
      result: { bytes: number; format: string };
    }>();
    expectTypeOf<Ours['billing.send_invoice']>().toEqualTypeOf<{
      payload: { invoice: string; copies?: number | undefined };
      result: { sent: boolean };
    }>();
    expectTypeOf<Ours['image.publish']['result']>().toEqualTypeOf<unknown>();
  });

  test('are those of this checkout, by a type import alone', () => {
    type Shipped = TasksOf<typeof definitions>;
    expectTypeOf<Shipped['text.count_words']>().toEqualTypeOf<{
      payload: { text: string; language?: string | undefined };
      result: { words: number; characters: number; longest_word: string };
    }>();
    expectTypeOf<Client<Shipped>['submit']>().toBeFunction();
  });
});

describe('a submission', () => {
  test('takes the payload of its own definition', () => {
    compiled(async (client) => {
      await client.submit('image.resize', { image: 'cat.png', at: '7' });
      await client.submit('billing.send_invoice', { invoice: 'i-1', copies: 2 }, { delaySeconds: 5 });
      // @ts-expect-error there is no such task
      await client.submit('image.resise', { image: 'cat.png', at: '7' });
      // @ts-expect-error the image is missing
      await client.submit('image.resize', { at: '7' });
      // @ts-expect-error that is what the handler gets, not what a caller sends
      await client.submit('image.resize', { image: 'cat.png', at: 7 });
      // @ts-expect-error that is another task's
      await client.submit('image.resize', { invoice: 'i-1' });
      // @ts-expect-error there is no such field
      await client.submit('billing.send_invoice', { invoice: 'i-1', copy: 2 });
      // @ts-expect-error there is no such option
      await client.submit('billing.send_invoice', { invoice: 'i-1' }, { delay: 5 });
    });
  });

  test('is typed by its result', () => {
    compiled(async (client) => {
      const task = await client.submit('image.resize', { image: 'cat.png', at: '7' });
      expectTypeOf(task.created).toEqualTypeOf<boolean>();
      expectTypeOf(task.result).toEqualTypeOf<{ bytes: number; format: string } | null>();
      const done = await client.wait(task);
      expectTypeOf(done.result).toEqualTypeOf<{ bytes: number; format: string }>();
      expectTypeOf(done.state).toEqualTypeOf<'succeeded' | 'resolved'>();
      // @ts-expect-error there is no such field in the result
      void done.result.pixels;
      const record = await client.get(task);
      // @ts-expect-error it may not have ended
      void record.result.bytes;
      expectTypeOf((await client.cancel(task)).result).toEqualTypeOf<typeof task.result>();
    });
  });

  test('of many takes payloads from anywhere, and types what is waited for', () => {
    compiled(async (client) => {
      async function* invoices() {
        yield { invoice: 'i-1' };
      }
      const { items } = await client.submitMany('billing.send_invoice', invoices(), {
        dedupKey: ({ invoice }, index) => `${invoice}-${index}`,
      });
      for (const item of items) {
        // @ts-expect-error it may have been refused
        await client.wait(item);
        if (item.errors === undefined) {
          expectTypeOf((await client.wait(item)).result).toEqualTypeOf<{ sent: boolean }>();
        } else expectTypeOf(item.id).toEqualTypeOf<undefined>();
      }
      // @ts-expect-error these are another task's
      await client.submitMany('image.resize', invoices());
      // @ts-expect-error one is no list
      client.submitEach('billing.send_invoice', { invoice: 'i-1' });
    });
  });
});

describe('an id alone', () => {
  test('says nothing of the result, unless its name is given', () => {
    compiled(async (client) => {
      expectTypeOf((await client.wait('id')).result).toEqualTypeOf<unknown>();
      const sent = await client.wait<'billing.send_invoice'>('id');
      expectTypeOf(sent.result).toEqualTypeOf<{ sent: boolean }>();
      // @ts-expect-error there is no such task
      await client.get<'billing.nothing'>('id');
    });
  });
});

describe('a schedule', () => {
  test('takes a task that there is, and the payload of that task', () => {
    compiled(async ({ schedules }) => {
      const timing = { cron: '0 2 * * *', timezone: 'Europe/Berlin' };
      await schedules.put('image.nightly', {
        ...{ task: 'image.resize', payload: { image: 'cat.png', at: '7' } },
        ...timing,
        overlap: 'queue_one',
      });
      await schedules.put('billing.once', {
        task: 'billing.send_invoice',
        payload: { invoice: 'i-1' },
        at: new Date(),
      });
      // @ts-expect-error there is no such task
      await schedules.put('image.nightly', { task: 'image.resise', payload: {}, ...timing });
      // @ts-expect-error that is another task's
      await schedules.put('image.nightly', { task: 'image.resize', payload: { invoice: 'i-1' }, ...timing });
      const settings = { task: 'billing.send_invoice', payload: { invoice: 'i-1' } } as const;
      // @ts-expect-error there is no such rule
      await schedules.put('billing.once', { ...settings, ...timing, overlap: 'never' });
      // @ts-expect-error a time is a date or a text
      await schedules.put('billing.once', { ...settings, at: 7 });
      const { state, lastRuns } = await schedules.get('billing.once');
      expectTypeOf(state).toEqualTypeOf<'active' | 'paused' | 'broken' | 'ended'>();
      expectTypeOf(lastRuns[0]?.task?.state).toEqualTypeOf<State | null | undefined>();
      for await (const one of schedules.list()) {
        // @ts-expect-error lists have no payloads
        void one.settings.payload;
      }
    });
  });
});

describe('lists and streams', () => {
  test('give tasks, lines and events', () => {
    compiled(async (client) => {
      for await (const task of client.list({ state: ['failed'], createdFrom: new Date() })) {
        expectTypeOf(task.state).toEqualTypeOf<State>();
        // @ts-expect-error lists have no results
        void task.result;
      }
      for await (const line of client.logs('id', { follow: true })) expectTypeOf(line.seq).toBeNumber();
      for await (const event of client.events('id'))
        expectTypeOf(event.progress).toEqualTypeOf<number | null>();
      // @ts-expect-error there is no such state
      client.list({ state: 'done' });
    });
  });
});

describe('a client that knows of no tasks', () => {
  test('takes any name and any payload that is an object', () => {
    const untyped = createClient({ baseUrl: 'http://localhost:8080' });
    interface Order {
      id: number;
    }
    const order: Order = { id: 7 };
    const code = async () => {
      const task = await untyped.submit('any.name', order);
      expectTypeOf((await untyped.wait(task)).result).toEqualTypeOf<unknown>();
      // @ts-expect-error a payload is an object
      await untyped.submit('any.name', 'text');
    };
    expectTypeOf(code).toBeFunction();
  });
});
