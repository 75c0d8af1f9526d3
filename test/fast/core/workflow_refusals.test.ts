import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../core/task.ts';
import { defineWorkflow, type StepInput } from '../../../core/workflow.ts';
import { ON_FAILURE } from '../../../core/workflows/graph.ts';

const base = {
  name: 'image.publish',
  version: '2.1.0',
  description: 'For these cases',
  payload: z.strictObject({ image: z.string().min(3) }),
  example: { image: 'cat' },
};

const resize = defineTask({ ...base, name: 'image.resize', result: z.strictObject({ bytes: z.int() }) });

/** Defines a workflow whose steps no compiler has seen, as plain JavaScript would. */
function define(steps: Record<string, StepInput>, more: object = {}) {
  return defineWorkflow({ ...base, ...more, steps: steps as Record<string, { after: never[] }> });
}

/** Why it is refused; that it is, and that the message begins with where. */
function refusalOf(steps: Record<string, StepInput>, more: object = {}): string {
  try {
    define(steps, more);
  } catch (error) {
    const { message } = error as Error;
    const [, why] =
      /^Task definition "[^"]+" in \S+\/test\/fast\/core\/workflow_refusals\.test\.ts: (.*)$/.exec(message) ??
      [];
    return why ?? `not where it is: ${message}`;
  }
  return 'accepted';
}

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, {}]));
const PATTERN = '/^[a-z][a-z0-9_-]*$/';

describe('refused when it loads, with the file and the step', () => {
  test.each<[string, Record<string, StepInput>, string]>([
    ['nothing', {}, 'the workflow has no steps: define at least one'],
    [
      'more steps than a person can see',
      many(101),
      '101 steps, but at most 100 are allowed: split it into nested workflows',
    ],
    [
      'a policy that nothing of a step reads',
      { a: { policy: { dedup: { strategy: 'none' } } as object } },
      'the step a cannot have policy.dedup: set it in the workflow',
    ],
    [
      'a retention of its own',
      { a: { policy: { retentionHours: 1 } as object } },
      'the step a cannot have policy.retentionHours: set it in the workflow',
    ],
    [
      'a policy that debounces a step',
      { a: { policy: { debounceSeconds: 1 } as object } },
      'the step a cannot have policy.debounceSeconds: set it in the workflow',
    ],
    [
      'a limit of a step whose work other tasks do',
      { a: { run: resize, policy: { concurrency: 2 } } },
      'the step a cannot have policy.concurrency: set it in image.resize, which does the work',
    ],
    ['a step after itself', { a: {}, b: { after: ['a', 'b'] } }, 'the step b must not come after itself'],
    [
      'an unknown step',
      { a: {}, b: { after: ['c'] } },
      'the step b comes after "c", which is not a step. The steps are a, b',
    ],
    [
      'what any object has',
      { b: { after: ['toString'] } },
      'the step b comes after "toString", which is not a step. The steps are b',
    ],
    ['one named twice', { a: {}, b: { after: ['a', 'a'] } }, 'the step b names a twice in after'],
    [
      'a step that is the failure of all',
      { a: {}, b: { after: [ON_FAILURE] } },
      '"on_failure", which is not a step',
    ],
    [
      'two after each other',
      { a: { after: ['b'] }, b: { after: ['a'] } },
      'the steps a → b → a form a cycle, so none of them could run',
    ],
    [
      'a circle behind others, in the order in which they would run',
      {
        start: {},
        a: { after: ['start', 'c'] },
        b: { after: ['a'] },
        c: { after: ['b'] },
        end: { after: ['c'] },
      },
      'the steps a → b → c → a form a cycle, so none of them could run; end could never run either',
    ],
    [
      'what comes after one, however far',
      {
        far: { after: ['near'] },
        near: { after: ['a'] },
        a: { after: ['b'] },
        b: { after: ['a'] },
        free: {},
      },
      'the steps a → b → a form a cycle, so none of them could run; far, near could never run either',
    ],
    [
      'a step that runs and maps',
      { a: {}, both: { run: resize, map: resize } },
      'the step both cannot have both run and map: remove one',
    ],
    [
      'a result of what is run',
      { a: { run: resize, result: z.strictObject({ b: z.string() }) } },
      'the step a must not have a result: its result is that of image.resize',
    ],
    [
      'a result of what is mapped',
      { a: { map: resize, result: z.strictObject({ b: z.string() }) } },
      'the step a must not have a result: its result is that of image.resize',
    ],
    ['a policy that is none', { a: { policy: { maxAttempts: 0 } } }, 'policy.maxAttempts: '],
    ['a result that JSON cannot carry', { a: { result: z.set(z.string()) } }, 'JSON cannot represent a Set'],
  ])('%s', (_what, steps, why) => {
    expect(refusalOf(steps)).toContain(why);
  });

  test.each([
    '',
    'A',
    '1a',
    '_a',
    'a.b',
    'a b',
    'ä',
    'a\n',
    'on_failure',
    'on_failure-1',
    'constructor',
    '__proto__x',
  ])('a step by the name of %j', (name) => {
    expect(refusalOf({ [name]: {} })).toBe(
      `the step ${JSON.stringify(name)} must match ${PATTERN} and not be on_failure or constructor`,
    );
  });

  test('what belongs to a step names the step', () => {
    expect(() => define({ a: {}, b: { policy: { priority: 0.5 } } })).toThrow('"image.publish.b"');
    const name = `image.${'x'.repeat(120)}`;
    expect(() => define({ short: {} }, { name })).toThrow(/x\.short".* and have at most 128 characters/);
    expect(define({ a: {} }, { name }).graph.steps[0]?.definition.name).toHaveLength(128);
  });

  test.each<[string, object, string]>([
    [
      'an example that its payload does not accept',
      { example: { image: 'x' } },
      'does not accept the example: /example/image',
    ],
    ['a name without a namespace', { name: 'publish' }, 'the name must match'],
    ['a payload that is no object', { payload: z.string(), example: 'x' }, 'must be an object'],
    ['a policy that is none', { policy: { retries: 1 } }, 'policy: Unrecognized key'],
  ])('%s', (_what, more, why) => {
    expect(refusalOf({ a: {} }, more)).toContain(why);
  });
});

describe('accepted', () => {
  test('100 steps, in a row or side by side, whatever the order in which they are written', () => {
    const row = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [
        `s${index}`,
        { after: index < 99 ? [`s${index + 1}`] : [] },
      ]),
    );
    expect(define(row).graph.steps).toHaveLength(100);
    expect(define(many(100)).graph.steps).toHaveLength(100);
  });

  test('a layered graph, in which each step comes after all of the layer before, at once', () => {
    const layers = Array.from({ length: 50 }, (_, layer) => [`l${layer}`, `r${layer}`]);
    const steps = layers.flatMap((names, layer) =>
      names.map((name) => [name, { after: layers[layer - 1] ?? [] }]),
    );
    // 2^49 paths lead through it.
    expect(define(Object.fromEntries(steps)).graph.steps).toHaveLength(100);
  });

  test('exactly what has no circle', () => {
    const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 16 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const steps: Record<string, { after: string[] }> = Object.fromEntries(
          Array.from({ length: 8 }, (_, index) => [`s${index}`, { after: [] }]),
        );
        for (const [from, to] of pairs) {
          const after = steps[`s${to}`]?.after ?? [];
          if (from !== to && !after.includes(`s${from}`)) after.push(`s${from}`);
        }
        const why = refusalOf(steps);
        expect(why === 'accepted').toBe(canRunAll(steps));
        const [, path] = /^the steps (.*) form a cycle, so none of them could run/.exec(why) ?? [];
        const circle = path?.split(' → ') ?? [];
        expect(circle[0]).toBe(circle.at(-1));
        for (const [index, name] of circle.slice(1).entries())
          expect(steps[name]?.after).toContain(circle[index]);
      }),
    );
  });
});

/** Whether all steps come to run when what has nothing left to wait for runs, again and again. */
function canRunAll(steps: Record<string, { after: string[] }>): boolean {
  const done = new Set<string>();
  const due = (): string[] =>
    Object.keys(steps).filter(
      (name) => !done.has(name) && steps[name]?.after.every((before) => done.has(before)),
    );
  for (let next = due(); next.length > 0; next = due()) for (const name of next) done.add(name);
  return done.size === Object.keys(steps).length;
}
