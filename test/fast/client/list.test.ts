import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const client = clientOf(api.url);

async function submitSome(count: number, tag: string): Promise<string[]> {
  const payloads = Array.from({ length: count }, () => ({ ms: 1 }));
  const { items } = await client.submitMany('example.sleep', payloads, { tags: [tag] });
  return items.map(({ id }) => id ?? 'none');
}

test('a list goes over all pages, whatever is submitted in the meantime, and outlasts failures', async () => {
  const before = await submitSome(120, 'listed');
  const proxy = await startProxy(api.url);
  let toBreak = 5;
  proxy.decide = () => (proxy.seen.length % 3 === 2 && toBreak-- > 0 ? 'break' : 'pass');
  const found: string[] = [];
  for await (const task of clientOf(proxy.url).list({ tag: 'listed', pageSize: 10 })) {
    found.push(task.id);
    if (found.length % 25 === 0) await submitSome(5, 'listed');
  }
  expect(toBreak).toBeLessThanOrEqual(0);
  expect(found).toEqual(before.toSorted().reverse());
});

test('pages are fetched as they are wanted', async () => {
  await submitSome(30, 'wanted');
  const proxy = await startProxy(api.url);
  for await (const task of clientOf(proxy.url).list({ tag: 'wanted', pageSize: 10 })) {
    expect(task).toMatchObject({
      name: 'example.sleep',
      tags: ['wanted'],
      createdAt: expect.stringMatching(/Z$/),
    });
    break;
  }
  expect(proxy.seen.map(({ path }) => path)).toEqual(['/v1/tasks?tag=wanted&page_size=10']);
});

test('every filter arrives', async () => {
  const proxy = await startProxy(api.url);
  const time = new Date('2026-11-21T10:00:00Z');
  const options = {
    name: 'example.sleep',
    namespace: 'example',
    state: ['queued', 'failed'] as const,
    tag: 'a b&c',
    initiator: 'ann',
    error: 'no luck',
    errorGroup: 'g',
    parentId: '01a1fda3-8ecb-7e32-bbab-5d3baba36f01',
    topLevel: false,
    createdFrom: time,
    createdTo: '2026-11-22T00:00:00Z',
    finishedFrom: time,
    finishedTo: time,
  };
  proxy.decide = () => ({ status: 200, body: { tasks: [], next_cursor: null } });
  expect((await clientOf(proxy.url).list(options).next()).done).toBe(true);
  const { searchParams } = new URL(proxy.seen[0]?.path ?? '', proxy.url);
  expect([...searchParams]).toEqual([
    ['name', 'example.sleep'],
    ['namespace', 'example'],
    ['state', 'queued'],
    ['state', 'failed'],
    ['tag', 'a b&c'],
    ['initiator', 'ann'],
    ['error', 'no luck'],
    ['error_group', 'g'],
    ['parent_id', options.parentId],
    ['top_level', 'false'],
    ['created_from', time.toISOString()],
    ['created_to', '2026-11-22T00:00:00Z'],
    ['finished_from', time.toISOString()],
    ['finished_to', time.toISOString()],
    ['page_size', '100'],
  ]);
  const states = [];
  for await (const { state } of client.list({ state: 'succeeded' })) states.push(state);
  expect(states).toEqual([]);
});
