import { expect, test } from 'vitest';
import { deleteOldAudit } from '../../../../store/operators/audit.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
const echo = { name: 'example.echo', payload: { message: 'a' } };
const words = { name: 'text.count_words', payload: { text: 'a' } };

function read(who: string, query = ''): ReturnType<typeof api.call> {
  return api.call('GET', `/v1/audit${query}`, undefined, as(who));
}

test('a cancel and a retry say who, what, when and why, and what was before', async () => {
  const { id } = await submitOne(pool, echo);
  const headers = { ...as('ann of example'), 'x-request-id': 'req-1' };
  expect((await api.call('DELETE', `/v1/tasks/${id}?reason=wrong%20month`, undefined, headers)).status).toBe(
    200,
  );
  expect((await api.call('PATCH', `/v1/tasks/${id}/retry`, undefined, as('ben of *'))).status).toBe(200);
  const { body } = await read('ann of example', `?task_id=${id}`);
  const entry = { task_id: id, namespace: 'example', target: 'example.echo' };
  expect(body.entries).toMatchObject([
    { ...entry, action: 'retry', actor: 'user:ben', reason: null, details: { state: 'cancelled' } },
    {
      ...entry,
      action: 'cancel',
      actor: 'user:ann',
      reason: 'wrong month',
      request_id: 'req-1',
      details: { state: 'queued' },
    },
  ]);
  for (const { at } of body.entries) expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
});

test('what did not happen is not in it', async () => {
  const before = (await pool.query('select from errand.audit')).rowCount;
  const { id } = await submitOne(pool, echo);
  const refused = await api.call('PATCH', `/v1/tasks/${id}/retry`, undefined, as('ann of example'));
  expectError(refused, { status: 400, code: 'BAD_REQUEST' });
  const foreign = await api.call('DELETE', `/v1/tasks/${id}`, undefined, as('eve of text'));
  expectError(foreign, { status: 403, code: 'FORBIDDEN' });
  expect((await pool.query('select from errand.audit')).rowCount).toBe(before);
});

test('a caller sees its own namespaces, and only with the scope to operate', async () => {
  const { id } = await submitOne(pool, words);
  await api.call('DELETE', `/v1/tasks/${id}`, undefined, as('ann of *'));
  const seen = (await read('eve of text')).body.entries.map(
    ({ namespace }: { namespace: string }) => namespace,
  );
  expect(seen).toEqual(['text']);
  expect((await read('eve of text', '?namespace=example')).body.entries).toEqual([]);
  expectError(await read('eve of text may read,submit'), { status: 403, code: 'FORBIDDEN' });
});

test('pages follow each other without loss or repeat, under every filter', async () => {
  const tasks = await Promise.all(Array.from({ length: 7 }, () => submitOne(pool, echo)));
  for (const { id } of tasks) await api.call('DELETE', `/v1/tasks/${id}`, undefined, as('pat of *'));
  const ids: string[] = [];
  let cursor = '';
  do {
    const query = `?actor=user:pat&action=cancel&namespace=example&from=2020-01-01T00:00:00Z&page_size=3${cursor}`;
    const { body } = await read('ann of *', query);
    ids.push(...body.entries.map(({ task_id }: { task_id: string }) => task_id));
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
  } while (cursor !== '');
  expect(ids).toEqual(tasks.map(({ id }) => id).reverse());
  expect((await read('ann of *', '?to=2020-01-01T00:00:00Z')).body.entries).toEqual([]);
  expectError(await read('ann of *', '?cursor=abc'), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: 'some',
  });
});

test('what is older than its time is deleted, and nothing else', async () => {
  await pool.query(
    `insert into errand.audit (at, actor, action) values (now() - interval '31 days', 'old', 'pause'), (now() - interval '29 days', 'young', 'pause')`,
  );
  expect(await deleteOldAudit(pool, 30, 100)).toBe(1);
  const { rows } = await pool.query(`select actor from errand.audit where actor in ('old', 'young')`);
  expect(rows).toEqual([{ actor: 'young' }]);
});

test('a bulk operation is one entry, and those of its tasks are read by its id', async () => {
  const tasks = await Promise.all(
    Array.from({ length: 3 }, () => submitOne(pool, { ...echo, tags: ['folded'] })),
  );
  const body = { filter: { tag: 'folded', error_group: 'none', initiator: 'nobody' } };
  await api.call('POST', '/v1/tasks/retry', body, as('bob of *'));
  const cancel = { filter: { tag: 'folded' } };
  const done = await api.call('POST', '/v1/tasks/cancel?reason=too%20many', cancel, as('bob of *'));
  expect(done.body.changed).toBe(3);
  const { entries } = (await read('ann of *', '?actor=user:bob')).body;
  expect(entries).toMatchObject([
    {
      action: 'bulk_cancel',
      task_id: null,
      reason: 'too many',
      details: { changed: 3, filter: { tag: 'folded' } },
    },
    // In the words of the API.
    { action: 'bulk_retry', details: { filter: { tag: 'folded', error_group: 'none', state: ['failed'] } } },
  ]);
  const members = (await read('ann of *', `?bulk_id=${entries[0].details.bulk}`)).body.entries;
  expect(members.map(({ action, reason }: Record<string, string>) => [action, reason])).toEqual([
    ['bulk_cancel', 'too many'],
    ...tasks.map(() => ['cancel', 'too many']),
  ]);
  const [first] = tasks;
  expect((await read('ann of *', `?task_id=${first?.id}`)).body.entries).toHaveLength(1);
  // Who may not see the entry of the operation sees what it did in his namespaces.
  expect((await read('eve of example', '?actor=user:bob')).body.entries).toHaveLength(3);
});
