import { stat } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, isWorkflow, step } from '../../../core/workflow.ts';
import { finalSteps, stepRows } from '../../../core/workflows/graph.ts';

const base = {
  name: 'image.publish',
  version: '2.1.0',
  description: 'For these cases',
  payload: z.strictObject({ image: z.string().min(3) }),
  example: { image: 'cat' },
};

const resize = defineTask({ ...base, name: 'image.resize', result: z.strictObject({ bytes: z.int() }) });

const whole = defineWorkflow({
  ...base,
  policy: { maxAttempts: 7, priority: 3 },
  steps: {
    load: step({ result: z.strictObject({ size: z.int() }), policy: { maxAttempts: 2, timeoutMs: 1_000 } }),
    check: step({ after: ['load'], conditional: true }),
    small: step({ after: ['check'], run: resize, policy: { priority: -5 } }),
    all: step({ after: ['load', 'check'], map: resize }),
  },
  onFailure: step({ policy: { maxAttempts: 1 } }),
});

describe('what is made of it', () => {
  test('a definition like that of any task, with the file in which it is written', () => {
    expect(whole).toMatchObject({
      name: 'image.publish',
      namespace: 'image',
      version: '2.1.0',
      payloadJsonSchema: { type: 'object', required: ['image'] },
      policy: { maxAttempts: 7, priority: 3, backoff: { initialMs: 1_000 } },
      file: expect.stringMatching(/\/test\/fast\/core\/workflow\.test\.ts$/),
    });
    expect(Object.isFrozen(whole)).toBe(true);
    expect([isWorkflow(whole), isWorkflow(resize)]).toEqual([true, false]);
    expect(whole.graph.steps.some(({ definition }) => isWorkflow(definition))).toBe(false);
  });

  test('of each step a definition: named after both, with the payload of the whole and a policy of its own', () => {
    const definitions = whole.graph.steps.map(({ definition }) => definition);
    expect(definitions.map(({ name }) => name)).toEqual([
      'image.publish.load',
      'image.publish.check',
      'image.publish.small',
      'image.publish.all',
      'image.publish.on_failure',
    ]);
    for (const definition of definitions) {
      expect(definition).toMatchObject({
        workflow: 'image.publish',
        namespace: 'image',
        version: '2.1.0',
        description: `The step ${definition.name.split('.').at(-1)} of image.publish`,
        example: { image: 'cat' },
        file: whole.file,
      });
      expect(definition.payload).toBe(whole.payload);
      expect(Object.isFrozen(definition)).toBe(true);
    }
    expect(definitions[0]).toMatchObject({
      policy: { maxAttempts: 2, timeoutMs: 1_000 },
      resultJsonSchema: { required: ['size'] },
    });
    expect(definitions[1]).toMatchObject({ policy: { maxAttempts: 25 }, result: undefined });
  });

  test('of each step what it waits for and what it does, in the order in which they are written', () => {
    const told = whole.graph.steps.map(({ step: name, after, conditional, kind, child, priority }) => {
      return [name, after, conditional, kind, child?.name ?? null, priority];
    });
    expect(told).toEqual([
      ['load', [], false, 'handler', null, null],
      ['check', ['load'], true, 'handler', null, null],
      ['small', ['check'], false, 'run', 'image.resize', -5],
      ['all', ['load', 'check'], false, 'map', 'image.resize', null],
      ['on_failure', [], false, 'handler', null, null],
    ]);
  });

  test('its last steps are those that no other comes after', () => {
    expect(finalSteps(whole.graph)).toEqual(['small', 'all']);
    const backwards = defineWorkflow({ ...base, steps: { a: step({ after: ['b'] }), b: step({}) } });
    expect(finalSteps(backwards.graph)).toEqual(['a']);
  });

  test('what the rows of its steps are made from', () => {
    expect(stepRows(whole.graph)).toMatchObject([
      { step: 'load', name: 'image.publish.load', after: [], priority: null, max_attempts: 2 },
      { step: 'check', name: 'image.publish.check', after: ['load'], priority: null, max_attempts: 25 },
      { step: 'small', name: 'image.publish.small', after: ['check'], priority: -5, max_attempts: 25 },
      { step: 'all', name: 'image.publish.all', after: ['load', 'check'], priority: null, max_attempts: 25 },
      { step: 'on_failure', name: 'image.publish.on_failure', after: [], priority: null, max_attempts: 1 },
    ]);
  });

  test('`step` and `defineSteps` give what they were given', () => {
    const input = { after: ['load'], conditional: true } as const;
    expect(step(input)).toBe(input);
    const only = defineWorkflow({ ...base, steps: { a: step({}) } });
    const code = { steps: { a: { handler: () => 1 } } };
    expect(defineSteps(only, code)).toBe(code);
  });
});

test('a workflow that no code of ours calls says so, and is one all the same', async () => {
  const given = { ...base, steps: { a: step({}) } };
  const { promise, resolve } = Promise.withResolvers<{ file: string }>();
  // What is promised in a callback of the system is run by the system: there is no caller.
  stat(import.meta.filename, () => void Promise.resolve(given).then(defineWorkflow).then(resolve));
  expect((await promise).file).toBe('unknown file');
});
