import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { defineTask } from '../../../core/task.ts';
import {
  defineSteps,
  defineWorkflow,
  type FailedStep,
  step,
  type WorkflowDefinition,
  type WorkflowHandlers,
} from '../../../core/workflow.ts';

// What the compiler must say. `npm run typecheck` fails when one of the expected errors is missing.

const base = {
  version: '1',
  description: 'For these types',
  payload: z.object({ id: z.string().transform(Number), copies: z.int().default(1) }),
  example: { id: '7' },
};

const resize = defineTask({
  name: 'image.resize',
  version: '1',
  description: 'For these types',
  payload: z.object({ image: z.string(), width: z.int().default(640) }),
  result: z.object({ bytes: z.int() }),
  example: { image: 'cat.png' },
});

const whole = defineWorkflow({
  ...base,
  name: 'image.publish',
  result: z.object({ published: z.boolean(), at: z.string().default('noon') }),
  steps: {
    load: step({ result: z.object({ images: z.array(z.string()), size: z.int().default(7) }) }),
    check: step({ after: ['load'], conditional: true, result: z3.object({ ok: z3.boolean() }) }),
    resize: step({ after: ['load', 'check'], map: resize }),
    cover: step({ after: ['load'], conditional: true, run: resize }),
    free: step({}),
    publish: step({ after: ['resize', 'cover', 'free'] }),
  },
  onFailure: step({ result: z.object({ told: z.boolean() }) }),
});

const plain = defineWorkflow({ ...base, name: 'image.plain', steps: { only: step({}) } });

/** Code that compiles, of which the cases change one part. */
const code: WorkflowHandlers<typeof whole> = {
  steps: {
    load: { handler: () => ({ images: ['cat.png'] }) },
    check: { when: () => true, handler: () => ({ ok: true }) },
    resize: { payloads: ({ results }) => results.load.images.map((image) => ({ image })) },
    cover: { when: () => false, payload: () => ({ image: 'cover.png' }) },
    free: { handler: () => {} },
    publish: { handler: () => 'anything' },
  },
  output: () => ({ published: true }),
  onFailure: () => ({ told: true }),
};
const { steps } = code;

describe('what comes before a step', () => {
  test('is one of the other steps', () => {
    const defined = () => {
      defineWorkflow({ ...base, name: 'a.b', steps: { a: step({}), b: step({ after: ['a'] }) } });
      // @ts-expect-error there is no such step
      defineWorkflow({ ...base, name: 'a.b', steps: { a: step({}), b: step({ after: ['c'] }) } });
      // @ts-expect-error a step does not come after itself
      defineWorkflow({ ...base, name: 'a.b', steps: { a: step({}), b: step({ after: ['a', 'b'] }) } });
      // @ts-expect-error the same without `step`
      defineWorkflow({ ...base, name: 'a.b', steps: { a: {}, b: { after: ['c'] } } });
    };
    expectTypeOf(defined).toBeFunction();
  });

  test('gives its results by name: undefined for what may be skipped, a list for what maps', () => {
    defineSteps(whole, {
      ...code,
      steps: {
        ...steps,
        load: {
          handler: (payload, { results, id }) => {
            expectTypeOf(payload).toEqualTypeOf<{ id: number; copies: number }>();
            expectTypeOf(id).toEqualTypeOf<string>();
            // @ts-expect-error it comes first
            void results.free;
            return { images: [] };
          },
        },
        check: {
          when: ({ payload, results }) => {
            expectTypeOf(payload.copies).toEqualTypeOf<number>();
            expectTypeOf(results).toEqualTypeOf<{ readonly load: { images: string[]; size: number } }>();
            return results.load.size > 1;
          },
          handler: (_payload, { results }) => ({ ok: results.load.images.length > 0 }),
        },
        resize: {
          payloads: ({ results }) => {
            expectTypeOf(results.check).toEqualTypeOf<{ ok: boolean } | undefined>();
            // @ts-expect-error it may have been skipped
            void results.check.ok;
            // @ts-expect-error it is not before this step
            void results.free;
            return [];
          },
        },
        publish: {
          handler: (_payload, { results }) => {
            expectTypeOf(results.resize).toEqualTypeOf<{ bytes: number }[]>();
            expectTypeOf(results.cover).toEqualTypeOf<{ bytes: number } | undefined>();
            expectTypeOf(results.free).toEqualTypeOf<unknown>();
          },
        },
      },
      output: ({ payload, results }) => {
        expectTypeOf(payload.id).toEqualTypeOf<number>();
        expectTypeOf(results.load.size).toEqualTypeOf<number>();
        expectTypeOf(results.cover).toEqualTypeOf<{ bytes: number } | undefined>();
        // @ts-expect-error there is no such step
        void results.nothing;
        return { published: true };
      },
      onFailure: (_payload, { failed }) => {
        expectTypeOf(failed).toEqualTypeOf<readonly FailedStep[]>();
        return { told: true };
      },
    });
  });
});

describe('the code of the steps', () => {
  test('is there for each', () => {
    const { publish: _publish, ...others } = steps;
    // @ts-expect-error the step publish has no code
    defineSteps(whole, { ...code, steps: others });
    // @ts-expect-error nor has this one
    defineSteps(plain, { steps: {} });
    // @ts-expect-error there is no such step
    defineSteps(plain, { steps: { only: { handler: () => 1 }, other: { handler: () => 1 } } });
  });

  test('gives what the step is said to give', () => {
    // @ts-expect-error images are missing
    defineSteps(whole, { ...code, steps: { ...steps, load: { handler: () => ({ size: 7 }) } } });
    // @ts-expect-error nothing returned
    defineSteps(whole, { ...code, steps: { ...steps, load: { handler: async () => {} } } });
    // @ts-expect-error a payload without its image
    defineSteps(whole, { ...code, steps: { ...steps, resize: { payloads: () => [{ width: 1 }] } } });
    // @ts-expect-error one payload for a list
    defineSteps(whole, { ...code, steps: { ...steps, resize: { payloads: () => ({ image: 'a' }) } } });
    const cover = { when: () => true, payload: () => ({ image: 7 }) };
    // @ts-expect-error an image is a text
    defineSteps(whole, { ...code, steps: { ...steps, cover } });
    // @ts-expect-error what maps has payloads, not a handler
    defineSteps(whole, { ...code, steps: { ...steps, resize: { handler: () => [] } } });
  });

  test('has a condition when it is said to, and else not', () => {
    // @ts-expect-error `when` is missing
    defineSteps(whole, { ...code, steps: { ...steps, check: { handler: () => ({ ok: true }) } } });
    // @ts-expect-error no condition was spoken of
    defineSteps(plain, { steps: { only: { when: () => true, handler: () => 1 } } });
    const check = { when: () => 1, handler: () => ({ ok: true }) };
    // @ts-expect-error a condition is true or false
    defineSteps(whole, { ...code, steps: { ...steps, check } });
  });
});

describe('the code of the whole', () => {
  test('has an output when there is a result, and else not', () => {
    const { output: _output, ...without } = code;
    // @ts-expect-error `output` is missing
    defineSteps(whole, without);
    // @ts-expect-error published is missing
    defineSteps(whole, { ...code, output: () => ({ at: 'noon' }) });
    // @ts-expect-error there is no result
    defineSteps(plain, { steps: { only: { handler: () => 1 } }, output: () => 1 });
  });

  test('has an onFailure when there is one, and else not', () => {
    const { onFailure: _onFailure, ...without } = code;
    // @ts-expect-error `onFailure` is missing
    defineSteps(whole, without);
    // @ts-expect-error told is missing
    defineSteps(whole, { ...code, onFailure: () => ({}) });
    // @ts-expect-error there is none
    defineSteps(plain, { steps: { only: { handler: () => 1 } }, onFailure: () => {} });
  });

  test('and an onFailure comes after nothing, is not skipped, and does its work itself', () => {
    const one = { ...base, name: 'a.b', steps: { a: step({}) } };
    const defined = () => {
      defineWorkflow({ ...one, onFailure: step({ policy: { maxAttempts: 2 } }) });
      // @ts-expect-error it comes after whatever failed
      defineWorkflow({ ...one, onFailure: step({ after: ['a'] }) });
      // @ts-expect-error it is run if something failed
      defineWorkflow({ ...one, onFailure: step({ conditional: true }) });
      // @ts-expect-error it has a handler
      defineWorkflow({ ...one, onFailure: step({ run: resize }) });
      // @ts-expect-error it has a handler
      defineWorkflow({ ...one, onFailure: step({ map: resize }) });
    };
    expectTypeOf(defined).toBeFunction();
  });
});

describe('a workflow is a task', () => {
  test('to those who submit it, and to other workflows', () => {
    expectTypeOf(whole.name).toEqualTypeOf<'image.publish'>();
    expectTypeOf<typeof whole>().toExtend<WorkflowDefinition>();
    const outer = defineWorkflow({
      ...base,
      name: 'image.outer',
      steps: { inner: step({ run: whole }), last: step({ after: ['inner'] }) },
    });
    defineSteps(outer, {
      steps: {
        inner: { payload: ({ payload }) => ({ id: String(payload.id) }) },
        last: {
          handler: (_payload, { results }) => {
            expectTypeOf(results.inner).toEqualTypeOf<{ published: boolean; at: string }>();
          },
        },
      },
    });
    defineSteps(outer, {
      // @ts-expect-error an id is a text
      steps: { inner: { payload: ({ payload }) => ({ id: payload.id }) }, last: { handler: () => {} } },
    });
  });
});
