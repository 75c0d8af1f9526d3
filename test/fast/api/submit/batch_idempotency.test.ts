import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { counts } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const PATH = '/v1/tasks/example.sleep/batch';

function submit(key: string, ms: number[]) {
  const items = ms.map((one) => ({ payload: { ms: one } }));
  return api.call('POST', PATH, { items }, { 'idempotency-key': key });
}

test('the same batch with the same key again is the same tasks', async () => {
  const first = await submit('again', [1, 1, 2]);
  expect(first.body).toMatchObject({ created: 3, duplicates: 0 });
  const again = await submit('again', [1, 1, 2]);
  expect(again.status).toBe(200);
  expect(again.body).toMatchObject({ created: 0, duplicates: 3 });
  const ids = (answer: typeof first) => answer.body.items.map(({ id }: { id: string }) => id);
  expect(ids(again)).toEqual(ids(first));
  expect(new Set(ids(first)).size).toBe(3);
});

test('twenty at once are one batch', async () => {
  const before = await counts(pool);
  const answers = await Promise.all(Array.from({ length: 20 }, () => submit('at once', [5, 6, 7])));
  const ids = answers.map(({ body }) => body.items.map(({ id }: { id: string }) => id).join());
  expect(new Set(ids).size).toBe(1);
  expect(answers.reduce((sum, { body }) => sum + body.created, 0)).toBe(3);
  expect((await counts(pool)).tasks - before.tasks).toBe(3);
});

test('another payload at a position is an error of that item, and the others stand', async () => {
  const first = await submit('changed', [1, 2]);
  const second = await submit('changed', [1, 3, 4]);
  expect(second.body).toMatchObject({ created: 1, duplicates: 1, invalid: 1 });
  expect(second.body.items).toEqual([
    { id: first.body.items[0].id, state: 'queued', created: false, outcome: 'duplicate' },
    {
      created: false,
      errors: [
        { path: '/body/items/1', message: expect.stringMatching(/already used with another payload/) },
      ],
    },
    { id: expect.any(String), state: 'queued', created: true, outcome: 'created' },
  ]);
});

test('without a key the same batch of a task that is not deduplicated is new tasks', async () => {
  const body = { items: [{ payload: { ms: 9 } }] };
  const first = await api.call('POST', PATH, body);
  const second = await api.call('POST', PATH, body);
  expect(first.body.items[0].id).not.toBe(second.body.items[0].id);
});
