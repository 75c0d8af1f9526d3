import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { TasksOf } from '../../../../client/index.ts';
import type { StoredResult as ClientStored } from '../../../../client/tasks_of.ts';
import type { StoredResult } from '../../../../core/definitions/stored.ts';
import { defineTask } from '../../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';

// What the compiler must say. `npm run typecheck` fails when one of the expected errors is missing.

type Of<S extends z.ZodType> = StoredResult<z.output<S>>;

class Money {
  readonly amount: number = 1;
  toJSON(): string {
    return `${this.amount}`;
  }
}
type Tree = { at: Date; children: Tree[] };
type StoredTree = { at: string; children: StoredTree[] };

const dated = z.object({ at: z.date(), note: z.string().optional(), by: z.union([z.date(), z.null()]) });
const pair = z.tuple([z.date(), z.number()]);
const events = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sent'), at: z.date() }),
  z.object({ kind: z.literal('failed'), why: z.string() }),
]);
const id = z.string().brand<'Id'>();

describe('what is stored of a result', () => {
  test('is text of a date, wherever it is', () => {
    expectTypeOf<Of<typeof dated>>().toEqualTypeOf<{
      at: string;
      by: string | null;
      note?: string | undefined;
    }>();
    expectTypeOf<Of<typeof pair>>().toEqualTypeOf<[string, number]>();
    expectTypeOf<StoredResult<Date[]>>().toEqualTypeOf<string[]>();
    expectTypeOf<StoredResult<Record<string, Date>>>().toEqualTypeOf<Record<string, string>>();
    expectTypeOf<Of<typeof events>>().toEqualTypeOf<
      { kind: 'sent'; at: string } | { kind: 'failed'; why: string }
    >();
    expectTypeOf<StoredResult<Tree>>().toExtend<StoredTree>();
    expectTypeOf<StoredTree>().toExtend<StoredResult<Tree>>();
  });

  test('is what a toJSON gives', () => {
    expectTypeOf<StoredResult<{ price: Money; link: URL }>>().toEqualTypeOf<{
      price: string;
      link: string;
    }>();
  });

  test('may lack what may be undefined, and is null where there is none', () => {
    expectTypeOf<StoredResult<{ a: number | undefined }>>().toEqualTypeOf<{ a?: number | undefined }>();
    expectTypeOf<StoredResult<number | undefined>>().toEqualTypeOf<number | null>();
    expectTypeOf<StoredResult<undefined>>().toEqualTypeOf<null>();
  });

  test('is the same of all else', () => {
    expectTypeOf<StoredResult<unknown>>().toEqualTypeOf<unknown>();
    expectTypeOf<StoredResult<ReturnType<JSON['parse']>>>().toBeAny();
    expectTypeOf<StoredResult<{ any: unknown }>>().toEqualTypeOf<{ any: unknown }>();
    expectTypeOf<Of<typeof id>>().toEqualTypeOf<z.output<typeof id>>();
    type Plain = { readonly n: number; s: 'a' | 'b' | null; list: readonly { ok: boolean }[]; o?: string };
    expectTypeOf<StoredResult<Plain>>().toEqualTypeOf<{
      readonly n: number;
      s: 'a' | 'b' | null;
      list: readonly { ok: boolean }[];
      o?: string;
    }>();
  });

  test('is what the steps after it get, and what a client gets', () => {
    const base = { version: '1', description: 'For these types', payload: z.object({}), example: {} };
    const defined = () => {
      const send = defineTask({ ...base, name: 'mail.send', result: dated });
      const whole = defineWorkflow({
        ...base,
        name: 'mail.all',
        result: z.object({ last: z.date() }),
        steps: {
          first: step({ result: dated }),
          each: step({ after: ['first'], map: send }),
          one: step({ after: ['first'], run: send, conditional: true }),
        },
      });
      defineSteps(whole, {
        steps: {
          // A handler gives a Date.
          first: { handler: () => ({ at: new Date(), by: null }) },
          each: {
            payloads: ({ results }) => {
              expectTypeOf(results.first.at).toEqualTypeOf<string>();
              return [];
            },
          },
          one: { when: () => true, payload: () => ({}) },
        },
        output: ({ results }) => {
          expectTypeOf(results.each).toEqualTypeOf<Of<typeof dated>[]>();
          expectTypeOf(results.one).toEqualTypeOf<Of<typeof dated> | undefined>();
          // @ts-expect-error it is text
          results.first.at.getTime();
          return { last: new Date(results.first.at) };
        },
      });
      return [send, whole] as const;
    };
    type Ours = TasksOf<ReturnType<typeof defined>>;
    expectTypeOf<Ours['mail.send']['result']>().toEqualTypeOf<Of<typeof dated>>();
    expectTypeOf<Ours['mail.all']['result']>().toEqualTypeOf<{ last: string }>();
    const wrong = (
      whole: ReturnType<typeof defined>[1],
      code: Parameters<typeof defineSteps<typeof whole>>[1],
    ) =>
      // @ts-expect-error a handler gives no text for a date
      defineSteps(whole, { ...code, output: () => ({ last: 'today' }) });
    expectTypeOf(wrong).toBeFunction();
  });

  test('is the same to a client', () => {
    expectTypeOf<ClientStored<z.output<typeof dated>>>().toEqualTypeOf<Of<typeof dated>>();
    expectTypeOf<ClientStored<z.output<typeof events>>>().toEqualTypeOf<Of<typeof events>>();
    expectTypeOf<ClientStored<Tree>>().toExtend<StoredTree>();
    expectTypeOf<ClientStored<number | undefined>>().toEqualTypeOf<number | null>();
  });
});
