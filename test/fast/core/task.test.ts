import { stat } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { parsePayload } from '../../../core/payload.ts';
import { defineHandler, defineTask, NAME_MAX_LENGTH, NAME_PATTERN, namespaceOf } from '../../../core/task.ts';

const minimal = {
  name: 'billing.send_invoice',
  version: '1.0.0',
  description: 'Sends an invoice',
  payload: z.object({ id: z.int() }),
  example: { id: 1 },
} as const;

test('a definition has what it was given, the defaults of its policy, and its file', () => {
  const task = defineTask(minimal);
  expect(task).toMatchObject({
    ...minimal,
    namespace: 'billing',
    policy: { maxAttempts: 25, dedup: { strategy: 'payload' } },
    payloadJsonSchema: { type: 'object', required: ['id'], additionalProperties: false },
    result: undefined,
    resultJsonSchema: undefined,
    file: expect.stringMatching(/\/test\/fast\/core\/task\.test\.ts$/),
  });
  expect(Object.isFrozen(task)).toBe(true);
});

test('its policy and the schema of its result are taken over', () => {
  const task = defineTask({
    ...minimal,
    result: z.object({ sent: z.boolean().default(true) }),
    policy: { maxAttempts: 2, priority: 5 },
  });
  expect(task.policy).toMatchObject({ maxAttempts: 2, priority: 5, timeoutMs: 3_600_000 });
  // What is recorded, not what the handler may return: the default is always there.
  expect(task.resultJsonSchema).toMatchObject({ type: 'object', required: ['sent'] });
});

test('a definition that no code of ours calls says so, and is a definition all the same', async () => {
  const { promise, resolve } = Promise.withResolvers<{ file: string }>();
  // What is promised in a callback of the system is run by the system: there is no caller.
  stat(import.meta.filename, () => void Promise.resolve(minimal).then(defineTask).then(resolve));
  expect((await promise).file).toBe('unknown file');
});

test('an example that only time could tell about is left to the tests', () => {
  const slow = minimal.payload.refine(async () => false);
  expect(defineTask({ ...minimal, payload: slow }).example).toEqual({ id: 1 });
});

test('a definition with zod/v3 has a closed schema, is parsed with its defaults, and refuses what is wrong', async () => {
  const task = defineTask({
    ...minimal,
    payload: z3.object({ to: z3.string().min(1), copies: z3.number().int().gt(0).default(1) }),
    result: z3.object({ sent: z3.boolean() }),
    example: { to: 'Ahab' },
  });
  expect(task.payloadJsonSchema).toEqual({
    type: 'object',
    properties: {
      to: { type: 'string', minLength: 1 },
      copies: { type: 'integer', exclusiveMinimum: 0, default: 1 },
    },
    required: ['to'],
    additionalProperties: false,
  });
  expect(task.resultJsonSchema).toMatchObject({
    properties: { sent: { type: 'boolean' } },
    required: ['sent'],
  });
  expect(await parsePayload(task, { to: 'Ahab' }, '')).toEqual({
    ok: true,
    value: { to: 'Ahab', copies: 1 },
  });
  expect(await parsePayload(task, { to: '' }, '')).toMatchObject({
    ok: false,
    details: [{ path: '/to' }],
  });
});

test('defineHandler gives the handler that it was given', async () => {
  const handler = ({ id }: { id: number }): string => `sent ${id}`;
  expect(defineHandler(defineTask(minimal), handler)).toBe(handler);
});

test('a name is accepted exactly when it has a namespace, the right letters and a bearable length', () => {
  const part = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/);
  const good = fc
    .tuple(part, fc.array(part, { minLength: 1, maxLength: 3 }))
    .map(([head, rest]) => [head, ...rest].join('.'));
  const text = fc.oneof(good, fc.string({ maxLength: 20 }), fc.stringMatching(/^[a-z_.-]{1,200}$/));
  fc.assert(
    fc.property(text, (name) => {
      let isAccepted = true;
      try {
        expect(defineTask({ ...minimal, name }).namespace).toBe(namespaceOf(name));
      } catch {
        isAccepted = false;
      }
      expect(isAccepted).toBe(NAME_PATTERN.test(name) && name.length <= NAME_MAX_LENGTH);
    }),
  );
});

test('no name collides with a route of the API', () => {
  for (const name of [
    'stats',
    'retry',
    'cancel',
    '',
    '.a',
    'a.',
    'a..b',
    'a/b.c',
    'a.b/retry',
    '1.a',
    'a.1',
    'ä.b',
    'a.b\n',
  ]) {
    expect([name, NAME_PATTERN.test(name)]).toEqual([name, false]);
  }
  for (const name of ['a.b', 'a1_b.c-d', 'a.b.c', 'http.request', 'text.count_words']) {
    expect([name, NAME_PATTERN.test(name)]).toEqual([name, true]);
  }
});
