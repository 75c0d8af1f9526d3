import { expect, test } from 'vitest';
import { KINDS, registry } from '../../../bench/reads/definitions.ts';
import { FINDABLE, fillLedger } from '../../../bench/reads/fill.ts';
import { listErrorGroups } from '../../../store/operators/errors.ts';
import { createDatabase } from '../../support/database.ts';

const TASKS = 20_000;
const { pool } = await createDatabase();

async function indexes(): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select indexname, indexdef from pg_indexes where schemaname = 'errand' order by indexname`,
  );
  return rows;
}

async function count(condition: string, values: unknown[] = []): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from errand.tasks t where ${condition}`,
    values,
  );
  return rows[0]?.count ?? Number.NaN;
}

const before = await indexes();
const client = await pool.connect();
await fillLedger(client, TASKS, () => {});
client.release(true);

test('the indexes are those of the migrations again', async () => {
  expect(before).toHaveLength((await indexes()).length);
  expect(await indexes()).toEqual(before);
});

test('all tasks have finished after they were created, within the day before', async () => {
  expect(await count('true')).toBe(TASKS);
  expect(await count("state in ('succeeded', 'failed', 'cancelled') and finished_at >= run_at")).toBe(TASKS);
  expect(await count("finished_at < now() - interval '30 seconds'")).toBe(TASKS);
  expect(await count("finished_at - uuid_extract_timestamp(id) < interval '1 minute'")).toBe(TASKS);
  expect(await count("uuid_extract_timestamp(id) > now() - interval '24 hours 5 minutes'")).toBe(TASKS);
  expect(await count("uuid_extract_timestamp(id) < now() - interval '12 hours'")).toBeGreaterThan(
    TASKS * 0.49,
  );
});

test('tasks are of every name, most of them succeeded, some failed with one of a few errors', async () => {
  for (const { name, share } of KINDS) {
    const found = await count('name = $1', [name]);
    expect([name, found > TASKS * share * 0.7, found < TASKS * share * 1.3]).toEqual([name, true, true]);
  }
  expect(registry.definitions.map(({ name }) => name)).toEqual(KINDS.map(({ name }) => name));
  expect(await count("state = 'succeeded'")).toBeGreaterThan(TASKS * 0.9);
  expect(await count("state = 'failed'")).toBeGreaterThan(TASKS * 0.04);
  const { groups } = await listErrorGroups(pool, {});
  expect(groups.length).toBeGreaterThanOrEqual(KINDS.length);
  expect(groups.length).toBeLessThanOrEqual(KINDS.length * 3);
});

test('tags and initiators are as rare as they are said to be', async () => {
  const tagged = (tag: string): Promise<number> => count('tags @> array[$1]', [tag]);
  const initiated = (initiator: string): Promise<number> => count('initiator = $1', [initiator]);
  expect(await tagged(FINDABLE.rareTag)).toBe(200);
  expect(await initiated(FINDABLE.rareInitiator)).toBe(200);
  expect(await tagged(FINDABLE.uncommonTag)).toBeGreaterThan(0);
  expect(await tagged(FINDABLE.uncommonTag)).toBeLessThanOrEqual(TASKS / 1_000);
  for (const frequent of [await tagged(FINDABLE.commonTag), await initiated(FINDABLE.commonInitiator)]) {
    expect(frequent).toBeGreaterThan(TASKS * 0.08);
    expect(frequent).toBeLessThanOrEqual(TASKS / 10);
  }
});
