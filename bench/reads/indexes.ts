import type { PoolClient } from 'pg';

type Index = { name: string; definition: string };

/**
 * Does `fill` while the table of tasks has no index but its primary key, which saves most of its time, and makes the
 * others again as they were. Gives each to `told` before it is made. Throws when they are not the same afterwards.
 */
export async function withoutIndexes(
  client: PoolClient,
  fill: () => Promise<void>,
  told: (name: string) => void,
): Promise<void> {
  const before = await secondaryIndexes(client);
  for (const { name } of before) await client.query(`drop index errand.${client.escapeIdentifier(name)}`);
  await fill();
  await client.query(`set maintenance_work_mem = '512MB'`);
  for (const { name, definition } of before) {
    told(name);
    await client.query(definition);
  }
  const after = await secondaryIndexes(client);
  if (JSON.stringify(after) !== JSON.stringify(before))
    throw new Error(
      `The indexes of errand.tasks are not what they were: ${JSON.stringify({ before, after })}`,
    );
}

/** All but those of constraints. */
async function secondaryIndexes(client: PoolClient): Promise<Index[]> {
  const { rows } = await client.query<Index>(
    `select indexname as name, indexdef as definition
       from pg_indexes i
      where schemaname = 'errand' and tablename = 'tasks'
        and not exists (select from pg_constraint c
                         where c.conrelid = 'errand.tasks'::regclass and c.conname = i.indexname)
      order by indexname`,
  );
  return rows;
}
