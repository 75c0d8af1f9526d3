import { expect, test } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import type { TaskFilter } from '../../../../store/tasks/filter.ts';
import { countTasks, listTasks } from '../../../../store/tasks/list.ts';
import { SEARCH_LIMIT } from '../../../../store/tasks/search.ts';
import { createDatabase } from '../../../support/database.ts';
import { ofTasks, type Scan, scansOf } from '../../../support/plans.ts';
import { type Statement, watched } from '../app.ts';
import { fillMany, fillWorkflows } from '../fill.ts';

const ROWS = 50_000;
const { pool } = await createDatabase();
await fillMany(pool, ROWS);
const [one] = await fillWorkflows(pool, 10, 100);

/** What Postgres did for the statements that `run` sends: how many rows of tasks and tags it read, and by which scans. */
async function costOf(
  run: (database: Database) => Promise<unknown>,
): Promise<{ read: number; scans: string[] }> {
  const statements: Statement[] = [];
  await run(watched(pool, (statement) => statements.push(statement)));
  const scans: Scan[] = [];
  for (const statement of statements.filter(({ text }) => !text.startsWith('explain')))
    scans.push(...(await scansOf(pool, statement)));
  if (scans.length === 0) throw new Error('nothing was sent');
  const tags = scans.filter(({ table }) => table === 'task_tags');
  const { read, scans: ofTable } = ofTasks(scans);
  return {
    read: read + tags.reduce((sum, one) => sum + one.read, 0),
    scans: [...ofTable, ...tags.map(({ type }) => type)],
  };
}

/** The task at a place of the table, and when it was created. */
async function taskAt(place: number): Promise<{ id: string; at: string } | undefined> {
  const { rows } = await pool.query<{ id: string; at: string }>(
    'select id, errand.uuid_time(id) as at from errand.tasks order by id offset $1 limit 1',
    [place],
  );
  return rows[0];
}

const before = (await taskAt(ROWS / 2))?.id;

/** When the oldest hundredth of them was there. */
const LONG_AGO = (await taskAt(ROWS / 100))?.at;

const FILTERS: [string, TaskFilter][] = [
  ['nothing', {}],
  ['state', { states: ['failed'] }],
  ['a rare state', { states: ['queued'] }],
  ['a state that no task has', { states: ['resolved'] }],
  ['several states', { states: ['failed', 'queued', 'succeeded'] }],
  ['name', { name: 'bulk.one' }],
  ['a name that no task has', { name: 'nothing.there' }],
  ['name and state', { name: 'bulk.two', states: ['failed'] }],
  ['namespace', { namespaces: ['bulk'] }],
  ['namespace and states', { namespaces: ['other'], states: ['failed', 'queued'] }],
  ['initiator', { initiator: 'ann' }],
  ['a common initiator', { initiator: 'ben' }],
  ['who submitted them', { submittedBy: 'key:ann' }],
  ['nobody in particular who submitted them', { submittedBy: 'anonymous' }],
  ['who has submitted nothing', { submittedBy: 'key:nobody' }],
  ['a common tag', { tag: 'common' }],
  ['a rare tag', { tag: 'rare' }],
  ['the text of an error', { error: 'number 33333' }],
  ['a text that all errors have', { error: 'failure number' }],
  ['a common tag and a common state', { tag: 'common', states: ['succeeded'] }],
  ['a common tag and namespace', { tag: 'common', namespaces: ['bulk'] }],
  ['a time of creation long ago', { createdTo: LONG_AGO }],
  ['a time of finishing long ago', { finishedTo: LONG_AGO }],
  ['a time of finishing that is yet to come', { finishedFrom: '2099-01-01T00:00:00Z' }],
  ['name and time of finishing', { name: 'other.one', finishedTo: LONG_AGO }],
  ['the task that they are part of', { parentId: one }],
  ['that and name and state', { parentId: one, name: 'bulk.one.s3', states: ['succeeded'] }],
  ['that and namespace', { parentId: one, namespaces: ['bulk'] }],
  ['being part of nothing', { topLevel: true }],
  ['being part of nothing, and namespace', { topLevel: true, namespaces: ['bulk'] }],
  ['a dismissal', { dismissed: true }],
  ['no dismissal, and state', { dismissed: false, states: ['failed'] }],
  ['being part of nothing, and state', { topLevel: true, states: ['succeeded'] }],
];

test.each(FILTERS)(
  'by %s the first page reads a bounded number of rows, by an index',
  async (_name, filter) => {
    const { read, scans } = await costOf((db) =>
      listTasks(db, filter, { size: 50, offset: 0, before: undefined }),
    );
    expect(scans).not.toContain('Seq Scan');
    // By the text of an error the newest errors first, twice.
    expect(read).toBeLessThan(filter.error === undefined ? 2_000 : 4_000);
  },
);

test.each(FILTERS)('by %s a page by cursor from the middle does too', async (_name, filter) => {
  const { read, scans } = await costOf((db) => listTasks(db, filter, { size: 100, offset: 0, before }));
  expect(scans).not.toContain('Seq Scan');
  expect(read).toBeLessThan(4_000);
});

test.each(FILTERS)('by %s counting stops soon after 10,000', async (_name, filter) => {
  const { read } = await costOf((db) => countTasks(db, filter));
  expect(read).toBeLessThan(12_000);
});

const SEARCHES: [string, TaskFilter][] = [
  ['nothing else', {}],
  ['a common state', { states: ['succeeded'] }],
  ['namespace', { namespaces: ['bulk'] }],
  ['name', { name: 'bulk.one' }],
  ['name and state', { name: 'bulk.one', states: ['succeeded'] }],
  ['a tag', { tag: 'common' }],
  ['being part of nothing', { topLevel: true }],
  ['the text of an error', { error: 'failure' }],
];

test.each(SEARCHES)(
  'a search by payload and %s looks at a bounded number of tasks, by indexes',
  async (_name, filter) => {
    const search = { ...filter, payload: ['/nothing=here'] };
    const { read, scans } = await costOf((db) =>
      listTasks(db, search, { size: 50, offset: 0, before: undefined }),
    );
    expect(scans).not.toContain('Seq Scan');
    // Each once to be looked at, and others to reach them.
    expect(read).toBeLessThan(5 * SEARCH_LIMIT);
  },
);

test.each(SEARCHES)(
  'a search by payload and %s finds all that match, each once, over its pages',
  async (_name, filter) => {
    const search = { ...filter, payload: ['/mark=1'] };
    const { rows } = await pool.query<{ id: string }>(
      `update errand.tasks set payload = '{"mark":1}'
      where id in (select id from errand.tasks where id::text like '%00' order by id limit 300) returning id`,
    );
    expect(rows.length).toBeGreaterThan(20);
    const found: string[] = [];
    let next: string | null | undefined;
    do {
      const page = await listTasks(pool, search, { size: 7, offset: 0, before: next ?? undefined });
      found.push(...page.tasks.map(({ id }) => id));
      next = page.next;
    } while (next !== null);
    const plain: string[] = [];
    for (next = undefined; next !== null; ) {
      const page = await listTasks(pool, filter, { size: 9_000, offset: 0, before: next ?? undefined });
      plain.push(...page.tasks.map(({ id }) => id));
      next = page.next;
    }
    const marked = new Set(rows.map(({ id }) => id));
    expect(found).toEqual(plain.filter((id) => marked.has(id)));
  },
);

test('a page of a tag that only old tasks have does not read the new ones', async () => {
  const oldest = await pool.query<{ id: string }>(
    `update errand.tasks set tags = tags || '{old}' where id in (select id from errand.tasks order by id limit 400) returning id`,
  );
  expect(oldest.rowCount).toBe(400);
  await pool.query('vacuum analyze errand.tasks, errand.task_tags');
  for (const filter of [{ tag: 'old' }, { tag: 'old', namespaces: ['bulk', 'other'] }]) {
    const { read, scans } = await costOf((db) =>
      listTasks(db, filter, { size: 50, offset: 0, before: undefined }),
    );
    expect(scans).not.toContain('Seq Scan');
    expect(read).toBeLessThan(300);
  }
});

test('tasks that have a tag and something rare are not looked for among all with the tag', async () => {
  for (const filter of [
    { tag: 'common', states: ['queued' as const], initiator: 'ann' },
    { tag: 'common', submittedBy: 'key:nobody' },
    { tag: 'common', initiator: 'ann', states: ['resolved' as const] },
  ]) {
    const { read } = await costOf((db) => listTasks(db, filter, { size: 50, offset: 0, before: undefined }));
    // The first look at 5,000 of them, and what is rare.
    expect(read).toBeLessThan(4 * 5_000);
    const counted = await costOf((db) => countTasks(db, filter));
    expect(counted.read).toBeLessThan(12_000);
  }
});

test('tasks that are part of nothing are not counted where they may be far apart', async () => {
  const pages = `update pg_class set reltuples = reltuples * $1::float8 where oid = 'errand.tasks'::regclass`;
  await pool.query(pages, [1_000]);
  const statements: Statement[] = [];
  const counted = countTasks(
    watched(pool, (statement) => statements.push(statement)),
    { topLevel: true },
  );
  const { total, isEstimate } = await counted.finally(() => pool.query(pages, [0.001]));
  expect(isEstimate).toBe(true);
  expect(total / (ROWS * 1_000)).toBeCloseTo(1, 1);
  expect(new Set(statements.map(({ text }) => text.split(' ', 1)[0]))).toEqual(new Set(['explain']));
  expect(await countTasks(pool, { topLevel: true, states: ['queued'] })).toEqual({
    total: ROWS / 100,
    isEstimate: false,
  });
});

test('the estimate of the total costs no reading at all', async () => {
  const statements: Statement[] = [];
  const { total, isEstimate } = await countTasks(
    watched(pool, (statement) => statements.push(statement)),
    { states: ['succeeded'] },
  );
  expect(isEstimate).toBe(true);
  expect(total).toBeGreaterThan(ROWS * 0.8);
  expect(total).toBeLessThan(ROWS);
  expect(statements).toHaveLength(2);
  expect(statements[1]?.text).toMatch(/^explain \(format json\) select/);
});
