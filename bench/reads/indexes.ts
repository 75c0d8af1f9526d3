import type { PoolClient } from 'pg';

type Index = { name: string; definition: string };

/**
 * Runs `fill` while the table of tasks has no index except its primary key, which saves most of the
 * time, and then creates the other indexes again. `onIndex` gets the name of each before it is
 * created. Throws if the indexes are not the same afterwards.
 */
export async function withoutIndexes(
  client: PoolClient,
  fill: () => Promise<void>,
  onIndex: (name: string) => void,
): Promise<void> {
  const before = await secondaryIndexes(client);
  for (const { name } of before) await client.query(`drop index errand.${client.escapeIdentifier(name)}`);
  await fill();
  await client.query(`set maintenance_work_mem = '512MB'`);
  for (const { name, definition } of before) {
    onIndex(name);
    await client.query(definition);
  }
  const after = await secondaryIndexes(client);
  if (JSON.stringify(after) !== JSON.stringify(before))
    throw new Error(
      `The indexes of errand.tasks are not the same as before: ${JSON.stringify({ before, after })}`,
    );
}

/** All indexes except those of constraints. */
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
