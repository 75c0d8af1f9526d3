import type { Pool } from 'pg';
import { NATIVE_SINCE, readMigrationFiles } from '../../store/database/migration_files.ts';
import { inTransaction } from '../../store/database/transaction.ts';
import { workerRevision } from '../../store/database/worker_schema.ts';
import { readCatalogue } from '../../store/doctor/catalogue.ts';
import type { Manifest } from '../../store/doctor/manifest.ts';

/**
 * What `errand doctor` compares a database with, as JSON. The database must be migrated, and on Postgres 18 or newer. It
 * has the functions for older servers for a moment, in a transaction that is rolled back.
 */
export async function catalogueManifest(pool: Pool): Promise<string> {
  const objects = await readCatalogue(pool);
  const texts = new Map(objects.map(({ name, text }) => [name, text]));
  const { functions } = await readMigrationFiles(NATIVE_SINCE - 1);
  const older = [...functions.values()].filter(({ elsewhere }) => elsewhere !== undefined);
  const before: Manifest['before_18'] = [];
  await inTransaction(pool, async (client) => {
    for (const { sql } of older) await client.query(sql);
    before.push(...(await readCatalogue(client)).filter(({ name, text }) => texts.get(name) !== text));
    throw new RolledBack();
  }).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  const manifest: Manifest = {
    worker_revision: Number(await workerRevision(pool)),
    objects,
    before_18: before,
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

class RolledBack extends Error {}
