import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { defineHandler, defineTask, type Handler, type TaskContext } from '../../../core/task.ts';

// What the compiler must say. `npm run typecheck` fails when one of the expected errors is missing.

const task = defineTask({
  name: 'billing.send_invoice',
  version: '1',
  description: 'For these types',
  payload: z.object({
    id: z.string().transform(Number),
    copies: z.int().default(1),
    note: z.string().optional(),
  }),
  result: z.object({ sent: z.boolean(), at: z.string().optional() }),
  example: { id: '7' },
});

const old = defineTask({
  name: 'billing.old',
  version: '1',
  description: 'For these types',
  payload: z3.object({ id: z3.string().transform(Number), copies: z3.number().default(1) }),
  result: z3.object({ sent: z3.boolean() }),
  example: { id: '7' },
});

const free = defineTask({
  name: 'billing.free',
  version: '1',
  description: 'For these types',
  payload: z.object({}),
  example: {},
});

type PayloadOf<H> = H extends (payload: infer P, context: TaskContext) => unknown ? P : never;

describe('the payload of a handler is what its schema gives, after defaults and transforms (T2)', () => {
  test('zod 4', () => {
    type Expected = { id: number; copies: number; note?: string | undefined };
    expectTypeOf<PayloadOf<Handler<typeof task>>>().toEqualTypeOf<Expected>();
  });

  test('zod/v3', () => {
    expectTypeOf<PayloadOf<Handler<typeof old>>>().toEqualTypeOf<{ id: number; copies: number }>();
  });

  test('inferred where the handler is written', () => {
    defineHandler(task, (payload, context) => {
      expectTypeOf(payload.id).toEqualTypeOf<number>();
      expectTypeOf(payload.note).toEqualTypeOf<string | undefined>();
      expectTypeOf(context.attempt).toEqualTypeOf<number>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
      // @ts-expect-error there is no such field
      void payload.amount;
      return { sent: true };
    });
  });
});

describe('the example is what a caller sends', () => {
  test('of the schema’s input', () => {
    expectTypeOf(task.example).toEqualTypeOf<{
      id: string;
      copies?: number | undefined;
      note?: string | undefined;
    }>();
  });

  test('another one does not compile', () => {
    const define = () =>
      defineTask({
        name: 'billing.send_invoice',
        version: '1',
        description: 'For these types',
        payload: z.object({ id: z.string() }),
        // @ts-expect-error an id is a text
        example: { id: 7 },
      });
    expectTypeOf(define).toBeFunction();
  });
});

describe('the name is kept as it is written, for the list of handlers', () => {
  test('as a literal type', () => {
    expectTypeOf(task.name).toEqualTypeOf<'billing.send_invoice'>();
  });
});

describe('a handler returns what the result schema takes', () => {
  test('at once or promised', () => {
    defineHandler(task, () => ({ sent: true }));
    defineHandler(task, async () => ({ sent: true, at: 'noon' }));
    defineHandler(old, async () => ({ sent: true }));
  });

  test('anything else does not compile', () => {
    // @ts-expect-error not a boolean
    defineHandler(task, () => ({ sent: 'yes' }));
    // @ts-expect-error not a boolean
    defineHandler(task, async () => ({ sent: 1 }));
    // @ts-expect-error nothing returned
    defineHandler(task, () => {});
    // @ts-expect-error not a boolean
    defineHandler(old, async () => ({ sent: 'yes' }));
    // @ts-expect-error the handler takes another payload
    defineHandler(task, (_payload: { id: string }) => ({ sent: true }));
  });

  test('without a result schema it may return anything, or nothing', () => {
    defineHandler(free, () => {});
    defineHandler(free, async () => ({ any: ['thing'] }));
  });
});
