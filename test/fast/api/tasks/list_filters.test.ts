import { expect, test } from 'vitest';
import { STATES } from '../../../../core/states.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { fill, type Row } from '../fill.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

const AT = (ms: number) => new Date(Date.UTC(2026, 0, 1, 12) + ms).toISOString();
/** By letter, oldest first. */
const ROWS: Record<string, Row> = {
  a: { name: 'bill.send', state: 'queued', created: AT(0), tags: ['urgent'] },
  b: {
    name: 'bill.send',
    state: 'failed',
    created: AT(1),
    finished: AT(50),
    error: 'disk 100% full',
    initiator: 'ann',
  },
  c: {
    name: 'bill.remind',
    state: 'failed',
    created: AT(1),
    finished: AT(51),
    error: 'a_b timed out',
    tags: ['urgent', 'late'],
  },
  d: { name: 'bill2.send', state: 'succeeded', created: AT(2), finished: AT(52), initiator: 'ann' },
  e: { name: 'bil.send', state: 'running', created: AT(3), initiator: 'Ann' },
  f: { name: 'mail.send.now', state: 'retrying', created: AT(4), error: 'back\\slash axb', tags: ['late'] },
  g: {
    name: 'mail.send',
    state: 'cancelled',
    created: AT(5),
    finished: AT(53),
    initiator: 'ann',
    tags: ['urgent'],
  },
  h: { name: 'bill.send', state: 'scheduled', created: AT(6), initiator: 'ann', tags: ['a,b', '100%'] },
  i: { name: 'bill.send', state: 'waiting', created: AT(7) },
  j: { name: 'bill.send', state: 'resolved', created: AT(8), finished: AT(54), error: 'DISK on fire' },
};
const ids = await fill(pool, Object.values(ROWS));
const letterOf = new Map(ids.map((id, index) => [id, Object.keys(ROWS)[index]]));

/** The letters of the tasks that a query finds, in the order of the answer. */
async function find(query: string): Promise<string> {
  const { status, body } = await api.call('GET', `/v1/tasks?${query}`);
  expect(status).toBe(200);
  expect(body.total).toBe(body.tasks.length);
  return body.tasks.map(({ id }: { id: string }) => letterOf.get(id)).join('');
}

test('without a filter all come, newest first, without payload and result', async () => {
  expect(await find('')).toBe('jihgfedcba');
  const { body } = await api.call('GET', '/v1/tasks?page_size=1');
  expect(body.tasks[0]).toMatchObject({
    id: ids.at(-1),
    name: 'bill.send',
    namespace: 'bill',
    created_at: AT(8),
  });
  expect(body.tasks[0]).not.toHaveProperty('payload');
  expect(body.tasks[0]).not.toHaveProperty('result');
});

test.each([
  ['name=bill.send', 'jihba'],
  ['name=mail.send', 'g'],
  ['name=bill', ''],
  ['name=Bill.Send', ''],
  ['name=nothing.there', ''],
  ['namespace=bill', 'jihcba'],
  ['namespace=bill2', 'd'],
  ['namespace=mail', 'gf'],
  ['namespace=mail.send', 'f'],
  ['namespace=ma', ''],
  ['namespace=bill.', ''],
  ['state=queued', 'a'],
  ['state=failed', 'cb'],
  ['state=failed&state=queued&state=failed', 'cba'],
  [STATES.map((state) => `state=${state}`).join('&'), 'jihgfedcba'],
  ['tag=urgent', 'gca'],
  ['tag=late', 'fc'],
  ['tag=a,b', 'h'],
  ['tag=a%2Cb', 'h'],
  ['tag=100%25', 'h'],
  ['tag=100', ''],
  ['tag=URGENT', ''],
  ['initiator=ann', 'hgdb'],
  ['initiator=Ann', 'e'],
  ['initiator=an', ''],
])('%s finds %s', async (query, letters) => {
  expect(await find(query)).toBe(letters);
});

test.each([
  ['disk', 'jb'],
  ['DISK', 'jb'],
  ['timed out', 'c'],
  ['%', 'b'],
  ['100%', 'b'],
  ['0% f', 'b'],
  ['d%k', ''],
  ['_', 'c'],
  ['a_b', 'c'],
  ['\\', 'f'],
  ['back\\slash', 'f'],
  ['\\%', ''],
  ["'; drop table errand.tasks; --", ''],
])('the text %j in the error finds %s, and means nothing but itself', async (text, letters) => {
  expect(await find(`error=${encodeURIComponent(text)}`)).toBe(letters);
});

test.each([
  [`created_from=${AT(1)}`, 'jihgfedcb'],
  [`created_to=${AT(1)}`, 'a'],
  [`created_from=${AT(1)}&created_to=${AT(2)}`, 'cb'],
  [`created_from=${AT(1)}&created_to=${AT(1)}`, ''],
  [`created_from=${AT(9)}`, ''],
  ['created_from=2026-01-01T13:00:00.008%2B01:00', 'j'],
  ['created_from=1970-01-01T00:00:00Z', 'jihgfedcba'],
  [`finished_from=${AT(51)}`, 'jgdc'],
  [`finished_to=${AT(51)}`, 'b'],
  [`finished_from=${AT(51)}&finished_to=${AT(53)}`, 'dc'],
  ['finished_from=1970-01-01T00:00:00Z', 'jgdcb'],
  ['finished_to=9999-12-31T23:59:59.999Z', 'jgdcb'],
])('%s finds %s, to the millisecond', async (query, letters) => {
  expect(await find(query)).toBe(letters);
});

test.each([
  ['name=bill.send&state=failed', 'b'],
  ['name=bill.send&namespace=bill', 'jihba'],
  ['name=bill.send&namespace=mail', ''],
  ['namespace=bill&state=failed', 'cb'],
  ['namespace=bill&state=failed&state=queued&tag=urgent', 'ca'],
  ['state=failed&initiator=ann', 'b'],
  ['initiator=ann&tag=urgent', 'g'],
  [`name=bill.send&initiator=ann&created_from=${AT(2)}`, 'h'],
  [`namespace=bill&error=disk&finished_from=${AT(50)}&finished_to=${AT(51)}`, 'b'],
  [`tag=late&error=a&created_to=${AT(4)}`, 'c'],
  [
    `name=bill.send&namespace=bill&state=failed&state=resolved&initiator=ann&error=full&created_from=${AT(0)}` +
      `&created_to=${AT(9)}&finished_from=${AT(0)}&finished_to=${AT(99)}`,
    'b',
  ],
])('together: %s finds %s', async (query, letters) => {
  expect(await find(query)).toBe(letters);
});

test('pages and the cursor keep to the filter', async () => {
  for (const query of [
    'name=bill.send',
    'namespace=bill',
    'state=failed&state=queued&state=waiting',
    'tag=urgent',
  ]) {
    const all = await find(query);
    let seen = '';
    for (let path = `/v1/tasks?${query}&page_size=2`; ; ) {
      const { body } = await api.call('GET', path);
      expect(body.total).toBe(all.length);
      seen += body.tasks.map(({ id }: { id: string }) => letterOf.get(id)).join('');
      if (body.next_cursor === null) break;
      path = `/v1/tasks?${query}&page_size=2&cursor=${body.next_cursor}`;
    }
    expect(seen).toBe(all);
    const second = await api.call('GET', `/v1/tasks?${query}&page_size=2&page=2`);
    expect(second.body.tasks.map(({ id }: { id: string }) => letterOf.get(id)).join('')).toBe(
      all.slice(2, 4),
    );
  }
});
