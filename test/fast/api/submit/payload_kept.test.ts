import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { registryWith } from '../definitions.ts';
import { ledgerRow } from '../ledger.ts';

const { pool } = await createDatabase();

const rich = defineTask({
  name: 'kept.rich',
  version: '1',
  description: 'For this test',
  payload: z.object({
    text: z.string().transform((text) => text.toUpperCase()),
    count: z.int().default(3),
    any: z
      .unknown()
      .meta({ type: ['object', 'null'] })
      .default({ a: 1 }),
    nested: z.object({ default: z.string().default('inner') }).default({ default: 'outer' }),
    list: z.array(z.object({ flag: z.boolean().default(true) })).default([]),
    either: z.union([z.object({ left: z.int().default(1) }), z.string()]).default('x'),
  }),
  example: { text: 'a' },
});
const api = await startApi(pool, { registry: registryWith(rich) });

const ROUTES: [string, (payload: unknown) => Promise<{ id: string; created: boolean }>][] = [
  [
    'the path of the task',
    async (payload) => {
      const { body } = await api.call('POST', '/v1/tasks/kept.rich', { payload });
      return { id: body.task.id, created: body.created };
    },
  ],
  [
    'the name in the body',
    async (payload) => {
      const { body } = await api.call('POST', '/v1/tasks', { name: 'rich', namespace: 'kept', payload });
      return { id: body.task.id, created: body.created };
    },
  ],
  [
    'context in the place of payload',
    async (context) => {
      const { body } = await api.call('POST', '/v1/tasks', { name: 'kept.rich', context });
      return { id: body.task.id, created: body.created };
    },
  ],
  [
    'an item of a batch',
    async (payload) =>
      (await api.call('POST', '/v1/tasks/kept.rich/batch', { items: [{ payload }] })).body.items[0],
  ],
  [
    'an item of an atomic batch',
    async (payload) =>
      (await api.call('POST', '/v1/tasks/kept.rich/batch?atomic=true', { items: [{ payload }] })).body
        .items[0],
  ],
];

test.each(ROUTES)(
  'by %s the ledger holds what was sent, without defaults and transforms',
  async (route, submit) => {
    for (const payload of [
      { text: route },
      { text: route, nested: {}, list: [{}, { flag: false }], either: {} },
    ]) {
      const { id, created } = await submit(payload);
      expect(created).toBe(true);
      expect((await ledgerRow(pool, id)).payload).toEqual(payload);
      expect((await api.call('GET', `/v1/tasks/${id}`)).body.payload).toEqual(payload);
    }
  },
);

test('the same submission by every route is one task', async () => {
  for (const payload of [{ text: 'one' }, { text: 'one', count: 3 }, { nested: {}, text: 'one' }]) {
    const submitted = [];
    for (const [, submit] of ROUTES) submitted.push(await submit(payload));
    expect(new Set(submitted.map(({ id }) => id)).size).toBe(1);
    expect(submitted.map(({ created }) => created)).toEqual([true, false, false, false, false]);
  }
});

test('the handler gets defaults and transforms', async () => {
  const seen: unknown[] = [];
  await startTestRunner(pool, {
    registeredHandlers: new Map([registeredHandler(rich, (payload) => void seen.push(payload))]),
  });
  const submit = ROUTES[0]?.[1];
  const { id } = (await submit?.({ text: 'shout', list: [{}] })) ?? { id: '' };
  await finished(pool, id);
  expect(seen).toContainEqual({
    text: 'SHOUT',
    count: 3,
    any: { a: 1 },
    nested: { default: 'outer' },
    list: [{ flag: true }],
    either: 'x',
  });
});
