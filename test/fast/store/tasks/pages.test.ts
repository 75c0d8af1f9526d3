import fc from 'fast-check';
import { expect, test } from 'vitest';
import { STATES, type State } from '../../../../core/states.ts';
import { findMatching } from '../../../../store/operators/bulk.ts';
import type { TaskFilter } from '../../../../store/tasks/filter.ts';
import { countTasks, listTasks } from '../../../../store/tasks/list.ts';
import { createDatabase } from '../../../support/database.ts';

// More than the walks look at before they give up: see FIRST_LOOKS and MORE_LOOKS of store/tasks/list.ts.
const ROWS = 60_000;
const CHUNK = 5_000;
const { pool } = await createDatabase();

// What is new differs from what is old: the newest have the common tag and nothing rare.
for (let from = 1; from <= ROWS; from += CHUNK)
  await pool.query(
    `insert into errand.tasks (id, name, version, state, priority, max_attempts, run_at, payload, tags, initiator,
                             submitted_by, finished_at, dismissed_at, error)
   select (substr(at, 1, 8) || '-' || substr(at, 9, 4) || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
          (array['a.one', 'a.two', 'b.one', 'c.one'])[1 + n % 4], '1', state, 0, 1, now(), jsonb_build_object('n', n % 7),
          case when n % 50 > 0 then array['common'] else '{}' end
            || case when n < 3000 and n % 3 = 0 then array['old'] else '{}' end
            || case when n % 1000 = 17 then array['rare'] else '{}' end
            || case when n % 2 = 0 then array['even'] else '{}' end,
          case when n < 2000 then 'ann' when n % 3 = 0 then 'ben' end,
          case when n % 9 = 0 then 'key:ci' else 'anonymous' end,
          case when state in ('succeeded', 'failed', 'cancelled') then '2026-01-01'::timestamptz + make_interval(secs => n + n % 11) end,
          case when state = 'failed' and n % 4 = 1 then '2026-03-01'::timestamptz end,
          case when state in ('failed', 'retrying') then jsonb_build_object(
            'error_type', 'Error', 'message', case when n < 4000 then 'lost a parcel' when n % 3 = 0 then 'no answer' else 'no address' end) end
     from generate_series($1::integer, $2::integer) n
    cross join lateral (select lpad(to_hex(1767225600000 + 1000 * n::bigint), 12, '0') as at,
                               case when n % 1000 = 500 then 'queued' when n % 10 = 3 then 'failed' when n % 100 = 8 then 'retrying'
                                    when n % 50 = 9 then 'cancelled' else 'succeeded' end as state) made`,
    [from, from + CHUNK - 1],
  );
await pool.query('vacuum analyze errand.tasks, errand.task_tags');

type Known = {
  id: string;
  name: string;
  state: State;
  tags: string[];
  initiator: string | null;
  submitted_by: string;
  message: string | null;
  error_group: string | null;
  created: number;
  finished: number | null;
  dismissed: boolean;
  n: number;
};
const { rows: known } = await pool.query<Known>(
  `select id, name, state, tags, initiator, submitted_by, error ->> 'message' as message, error_group,
          (extract(epoch from errand.uuid_time(id)) * 1000)::float8 as created,
          (extract(epoch from finished_at) * 1000)::float8 as finished,
          coalesce(dismissed_at >= finished_at, false) as dismissed, (payload ->> 'n')::integer as n
     from errand.tasks
    order by id desc`,
);
const GROUPS = [...new Set(known.flatMap(({ error_group }) => error_group ?? []))];

/** What a filter means, in plain words. */
function matches(filter: TaskFilter, task: Known): boolean {
  const has = <T>(wanted: T | undefined, test: (one: T) => boolean): boolean =>
    wanted === undefined || test(wanted);
  return (
    has(filter.name, (one) => task.name === one) &&
    has(filter.namespaces, (some) => some.includes(task.name.split('.')[0] ?? '')) &&
    has(filter.states, (some) => some.includes(task.state)) &&
    has(filter.tag, (one) => task.tags.includes(one)) &&
    has(filter.initiator, (one) => task.initiator === one) &&
    has(filter.submittedBy, (one) => task.submitted_by === one) &&
    has(filter.error, (one) => task.message?.includes(one) ?? false) &&
    has(filter.errorGroup, (one) => task.error_group === one && !task.dismissed) &&
    has(filter.dismissed, (one) => task.dismissed === one) &&
    has(filter.createdFrom, (one) => task.created >= Date.parse(one)) &&
    has(filter.createdTo, (one) => task.created < Date.parse(one)) &&
    has(filter.finishedFrom, (one) => task.finished !== null && task.finished >= Date.parse(one)) &&
    has(filter.finishedTo, (one) => task.finished !== null && task.finished < Date.parse(one)) &&
    has(filter.payload, (some) => some.every((one) => one === `/n=${task.n}`))
  );
}

const start = Date.parse('2026-01-01T00:00:00Z');
const time = fc
  .integer({ min: 0, max: ROWS + 100 })
  .map((secs) => new Date(start + 1_000 * secs).toISOString());
const conditions = fc.record({
  tag: fc.constantFrom('common', 'old', 'rare', 'even', 'none'),
  error: fc.constantFrom('parcel', 'no ', 'address', 'nothing of this'),
  name: fc.constantFrom('a.one', 'c.one', 'd.none'),
  namespaces: fc.subarray(['a', 'b', 'd']),
  states: fc.subarray([...STATES], { minLength: 1 }),
  initiator: fc.constantFrom('ann', 'ben', 'nobody'),
  submittedBy: fc.constantFrom('key:ci', 'anonymous'),
  errorGroup: fc.constantFrom(...GROUPS),
  dismissed: fc.boolean(),
  createdFrom: time,
  createdTo: time,
  finishedFrom: time,
  finishedTo: time,
});

/** With few conditions, so that something matches; most have a tag. */
const filters: fc.Arbitrary<TaskFilter> = conditions.chain((all) =>
  fc
    .tuple(fc.subarray(Object.keys(all), { maxLength: 3 }), fc.constantFrom<string[]>(['tag'], ['tag'], []))
    .map(([some, tag]) =>
      Object.fromEntries(Object.entries(all).filter(([key]) => some.includes(key) || tag.includes(key))),
    ),
);

/** Those for which each walk ends early, late, or too early. */
const EXAMPLES: TaskFilter[] = [
  { tag: 'common' },
  { tag: 'common', initiator: 'ann' },
  { tag: 'even', error: 'parcel' },
  { tag: 'common', createdTo: '2026-01-01T00:10:00Z' },
  { tag: 'old', states: ['failed'] },
  { error: 'parcel' },
  { error: 'no ' },
  { tag: 'common', states: ['waiting'], namespaces: ['a'] },
];

const pages = fc.record({
  size: fc.integer({ min: 1, max: 60 }),
  offset: fc.option(fc.integer({ min: 0, max: 300 }), { nil: 0 }),
  from: fc.option(fc.integer({ min: 0, max: ROWS - 1 }), { nil: undefined }),
});
type Page = { size: number; offset: number; from: number | undefined };
const examples = EXAMPLES.map((filter): [TaskFilter, Page] => [
  filter,
  { size: 20, offset: 0, from: undefined },
]);

async function expectPage(filter: TaskFilter, { size, offset, from }: Page): Promise<void> {
  const before = from === undefined ? undefined : known[from]?.id;
  const all = known.filter((task) => matches(filter, task) && (before === undefined || task.id < before));
  const listed = await listTasks(pool, filter, { size, offset, before });
  const wanted = all.slice(offset, offset + size).map(({ id }) => id);
  expect(listed.tasks.map(({ id }) => id)).toEqual(wanted);
  expect(listed.next).toBe(all.length > offset + size ? wanted.at(-1) : null);
}

test('a page is that of a plain sort, whatever the filter, the cursor and the offset', async () => {
  await fc.assert(fc.asyncProperty(filters, pages, expectPage), { numRuns: 120, examples });
});

test('it is also where Postgres takes the table for a thousand times as large', async () => {
  const tuples = `update pg_class set reltuples = reltuples * $1::float8 where oid = 'errand.tasks'::regclass`;
  await pool.query(tuples, [1_000]);
  await fc
    .assert(fc.asyncProperty(filters, pages, expectPage), { numRuns: 40, examples })
    .finally(() => pool.query(tuples, [0.001]));
});

test('a count is exact, or says that it is an estimate of what is much', async () => {
  await fc.assert(
    fc.asyncProperty(filters, async (filter) => {
      const { total, isEstimate } = await countTasks(pool, filter);
      const all = known.filter((task) => matches(filter, task)).length;
      if (!isEstimate) {
        expect(total).toBe(all);
        return;
      }
      const looks = known.filter(({ tags }) => filter.tag !== undefined && tags.includes(filter.tag)).length;
      expect(Math.max(all, looks)).toBeGreaterThan(10_000);
    }),
    { numRuns: 80, examples: EXAMPLES.map((filter) => [filter]) },
  );
});

test('a bulk operation finds each task once, oldest first, in steps and at once', async () => {
  const { rows } = await pool.query<{ id: string }>('select errand.uuidv7() as id');
  const bulkId = rows[0]?.id ?? null;
  await fc.assert(
    fc.asyncProperty(filters, fc.integer({ min: 400, max: 5_000 }), async (filter, size) => {
      const wanted = known
        .filter((task) => matches(filter, task))
        .map(({ id }) => id)
        .reverse();
      const found: string[] = [];
      let after: string | null = null;
      do {
        const part = await findMatching(pool, filter, { after, size }, bulkId);
        found.push(...part.ids);
        after = part.next;
      } while (after !== null && found.length < 20_000);
      expect(found).toEqual(wanted.slice(0, found.length < 20_000 ? undefined : found.length));
      const { ids } = await findMatching(pool, filter, { after: null, size });
      expect(ids).toEqual(wanted.slice(0, size));
    }),
    { numRuns: 40, examples: EXAMPLES.map((filter) => [filter, 500]) },
  );
});

test('a search by payload finds each task once over its pages', async () => {
  await fc.assert(
    fc.asyncProperty(filters, fc.integer({ min: 0, max: 8 }), async (filter, n) => {
      const search = { ...filter, payload: [`/n=${n}`] };
      const wanted = known.filter((task) => matches(search, task)).map(({ id }) => id);
      const found: string[] = [];
      let before: string | undefined;
      do {
        const page = await listTasks(pool, search, { size: 3_000, offset: 0, before });
        found.push(...page.tasks.map(({ id }) => id));
        before = page.next ?? undefined;
      } while (before !== undefined);
      expect(found).toEqual(wanted);
    }),
    { numRuns: 15, examples: EXAMPLES.map((filter) => [filter, 3]) },
  );
});
