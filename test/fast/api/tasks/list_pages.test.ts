import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { fill, fillMany } from '../fill.ts';

type Listed = { id: string }[];
const idsOf = (body: { tasks: Listed }) => body.tasks.map(({ id }) => id);

async function listing(count: number) {
  const { pool } = await createDatabase();
  const api = await startApi(pool);
  const created = '2026-01-01T00:00:00Z';
  const ids = await fill(
    pool,
    Array.from({ length: count }, () => ({ created })),
  );
  return { pool, api, newest: ids.toReversed() };
}

const { api, newest } = await listing(125);

test('an empty ledger is an empty first page', async () => {
  const empty = await listing(0);
  const { body, headers } = await empty.api.call('GET', '/v1/tasks');
  expect(body).toEqual({
    tasks: [],
    page: 1,
    page_size: 50,
    total: 0,
    total_is_estimate: false,
    next_cursor: null,
    rows: null,
    search: null,
  });
  expect(headers.get('link')).toBe('</v1/tasks>; rel="first"');
});

test('pages of 50, of one order, until there are no more', async () => {
  const pages = await Promise.all([1, 2, 3, 4].map((page) => api.call('GET', `/v1/tasks?page=${page}`)));
  expect(pages.map(({ body }) => idsOf(body))).toEqual([
    newest.slice(0, 50),
    newest.slice(50, 100),
    newest.slice(100),
    [],
  ]);
  for (const [index, { body }] of pages.entries()) {
    expect(body).toMatchObject({ page: index + 1, page_size: 50, total: 125, total_is_estimate: false });
    expect(body.next_cursor === null).toBe(index >= 2);
  }
});

test('a page that ends with the last task has no next', async () => {
  for (const [page, size, hasNext] of [
    [5, 25, false],
    [4, 25, true],
    [125, 1, false],
    [2, 100, false],
  ] as const) {
    const { body, headers } = await api.call('GET', `/v1/tasks?page=${page}&page_size=${size}`);
    expect(idsOf(body)).toEqual(newest.slice((page - 1) * size, page * size));
    expect(body.next_cursor !== null).toBe(hasNext);
    expect(headers.get('link')?.includes('rel="next"')).toBe(hasNext);
  }
});

test('the Link header leads through all pages, and keeps filters and page size', async () => {
  const seen: string[] = [];
  let path: string | undefined = '/v1/tasks?name=example.echo&page_size=40&page=1&state=queued&state=failed';
  const paths: string[] = [];
  while (path !== undefined) {
    paths.push(path);
    const { body, headers } = await api.call('GET', path);
    seen.push(...idsOf(body));
    const link = headers.get('link') ?? '';
    expect(link).toContain(
      '</v1/tasks?name=example.echo&page_size=40&state=queued&state=failed>; rel="first"',
    );
    path = /<([^>]+)>; rel="next"/.exec(link)?.[1];
    if (path !== undefined) expect(path).toContain(`cursor=${body.next_cursor}`);
  }
  expect(seen).toEqual(newest);
  expect(paths).toHaveLength(4);
});

test('cursor pages have no number, and the total of all', async () => {
  const first = await api.call('GET', '/v1/tasks?page_size=100');
  const { body } = await api.call('GET', `/v1/tasks?page_size=100&cursor=${first.body.next_cursor}`);
  expect(body).toMatchObject({ page: null, page_size: 100, total: 125, next_cursor: null });
  expect(idsOf(body)).toEqual(newest.slice(100));
});

test('the cursor is good also when its task is gone', async () => {
  const other = await listing(6);
  const { body } = await other.api.call('GET', '/v1/tasks?page_size=3');
  await other.pool.query('delete from errand.tasks where id = $1', [other.newest[2]]);
  const next = await other.api.call('GET', `/v1/tasks?page_size=3&cursor=${body.next_cursor}`);
  expect(idsOf(next.body)).toEqual(other.newest.slice(3));
});

test('cursor pages show every task once that was there, while new ones come in', async () => {
  const other = await listing(300);
  let stop = false;
  const inserting = (async () => {
    for (let index = 0; !stop; index++) {
      await other.api.call('POST', '/v1/tasks/example.echo', { payload: { message: `new ${index}` } });
    }
    return 'done';
  })();
  const seen: string[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await other.api.call('GET', `/v1/tasks?page_size=7${cursor && `&cursor=${cursor}`}`);
    seen.push(...idsOf(body));
    if (body.next_cursor === null) break;
    cursor = body.next_cursor;
  }
  stop = true;
  expect(await inserting).toBe('done');
  expect(new Set(seen).size).toBe(seen.length);
  const old = new Set(other.newest);
  expect(seen.filter((id) => old.has(id))).toEqual(other.newest);
  const after = await other.api.call('GET', '/v1/tasks');
  expect(after.body.total).toBeGreaterThan(300);
});

test('up to 10,000 the total is exact, beyond it an estimate that says so', async () => {
  const { pool } = await createDatabase();
  const other = await startApi(pool);
  await fillMany(pool, 10_000);
  const exact = await other.call('GET', '/v1/tasks?page_size=1');
  expect(exact.body).toMatchObject({ total: 10_000, total_is_estimate: false });
  await fillMany(pool, 500);
  const { body } = await other.call('GET', '/v1/tasks?page_size=1');
  expect(body.total_is_estimate).toBe(true);
  expect(body.total).toBeGreaterThan(10_000);
  expect(body.total).toBeLessThan(11_500);
  const failed = await other.call('GET', '/v1/tasks?state=failed&page_size=1');
  expect(failed.body).toMatchObject({ total: 1_050, total_is_estimate: false });
  const byTag = await other.call('GET', '/v1/tasks?tag=common&page_size=1');
  expect(byTag.body.total_is_estimate).toBe(true);
  const last = await other.call('GET', '/v1/tasks?page=100&page_size=100');
  expect(last.body.tasks).toHaveLength(100);
});
