import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type BatchHandler, type BatchItem, defineBatchHandler } from '../../../core/batch_handler.ts';
import { defineHandler, defineTask } from '../../../core/task.ts';
import { listTasks } from '../../../core/task_list.ts';
import { defineWorkflow, step } from '../../../core/workflow.ts';

const basics = {
  ...{ version: '1.0.0', description: 'For a test' },
  payload: z.object({ id: z.string().transform(Number), copies: z.int().default(1) }),
  example: { id: '1' },
};
const index = defineTask({
  ...{ ...basics, name: 'shop.index', result: z.object({ indexed: z.boolean() }) },
  batch: { size: 100, key: ({ copies }) => String(copies) },
});
const free = defineTask({ ...basics, name: 'shop.free', batch: { size: 2, waitMs: 0 } });
const plain = defineTask({ ...basics, name: 'shop.plain' });

describe('batch of a definition (Q11)', () => {
  test('has its defaults', () => {
    expect(index.batch).toEqual({ size: 100, waitMs: 50, key: expect.any(Function) });
    expect(free.batch).toEqual({ size: 2, waitMs: 0 });
    expect(plain.batch).toBeUndefined();
  });

  test.each([
    [{ size: 0 }, 'batch.size: Too small'],
    [{ size: 1_001 }, 'batch.size: Too big'],
    [{ size: 1.5 }, 'batch.size: Invalid input'],
    [{}, 'batch.size: Invalid input'],
    [{ size: 2, waitMs: -1 }, 'batch.waitMs: Too small'],
    [{ size: 2, waitMs: 10_001 }, 'batch.waitMs: Too big'],
    [{ size: 2, key: 'tenant' }, 'batch.key: must be a function'],
    [{ size: 2, wait: 5 }, 'batch: Unrecognized key: "wait"'],
    [null, 'batch: Invalid input'],
    [
      { size: 2, waitMs: 1_000 },
      'batch.waitMs: must be below policy.timeoutMs, 1000, because an attempt waits in its time: got 1000',
    ],
  ])('%j is refused when it loads', (batch, why) => {
    const policy = { timeoutMs: 1_000 };
    expect(() => defineTask({ ...basics, name: 'shop.wrong', policy, batch: batch as never })).toThrow(why);
  });

  test('a workflow and a step cannot have it', () => {
    const workflow = { ...basics, name: 'shop.flow' };
    const batch = { size: 2 } as never;
    expect(() => defineWorkflow({ ...workflow, batch, steps: { a: step({}) } })).toThrow(
      'a workflow cannot have batch, because its steps do the work: map a task that has it',
    );
    expect(() => defineWorkflow({ ...workflow, steps: { a: step({ batch } as never) } })).toThrow(
      'the step a cannot have batch: let it map a task that has it',
    );
    expect(defineWorkflow({ ...workflow, steps: { a: step({ map: index }) } }).graph.steps).toHaveLength(1);
  });

  test('its handler is made by defineBatchHandler, and that of no other definition', () => {
    expect(() => defineHandler(index, () => ({ indexed: true }))).toThrow(
      'shop.index has batch, so its handler gets several tasks: use defineBatchHandler',
    );
    expect(() => defineBatchHandler(plain, () => [])).toThrow(
      'shop.plain has no batch: add batch: { size: 100 } to its definition, or use defineHandler',
    );
  });
});

// What the compiler must say. `npm run typecheck` fails when one of the expected errors is missing.
describe('the types of a batch handler come from its definition', () => {
  test('payloads are what the schema gives, and results what its input takes', () => {
    defineBatchHandler(index, (items, { key, signal }) => {
      expectTypeOf(items).toEqualTypeOf<readonly BatchItem<typeof index>[]>();
      expectTypeOf(items.map(({ payload }) => payload)).toEqualTypeOf<{ id: number; copies: number }[]>();
      expectTypeOf(key).toEqualTypeOf<string>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return items.map(({ payload }) => (payload.id > 1 ? { result: { indexed: true } } : { error: 'no' }));
    });
    defineBatchHandler(index, (items) =>
      Promise.all(
        items.map(async () => {
          try {
            return { result: { indexed: true } };
          } catch (error) {
            return { error };
          }
        }),
      ),
    );
    // @ts-expect-error: the result has another type
    defineBatchHandler(index, (items) => items.map(() => ({ result: { indexed: 'yes' } })));
    // @ts-expect-error: the outcome is neither a result nor an error
    defineBatchHandler(index, (items) => items.map(() => ({ indexed: true })));
    defineBatchHandler(free, (items) => items.map(({ id }) => ({ result: id })));
  });

  test('a list of tasks takes batch handlers, and not those of another definition', () => {
    const handler: BatchHandler<typeof index> = (items) => items.map(() => ({ result: { indexed: true } }));
    const other: BatchHandler<typeof free> = (items) => items.map(() => ({ result: 1 }));
    listTasks({
      definitions: [index],
      handlers: { 'shop.index': async () => ({ default: defineBatchHandler(index, handler) }) },
    });
    listTasks({
      definitions: [index],
      // @ts-expect-error: it gives results of another type
      handlers: { 'shop.index': async () => ({ default: defineBatchHandler(free, other) }) },
    });
  });
});
