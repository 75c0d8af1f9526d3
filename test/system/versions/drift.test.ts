import { expect, inject, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { driftOf } from '../../support/drift.ts';

test(`Postgres ${inject('postgresVersion')} describes a migrated database as the manifest does`, async () => {
  const { pool } = await createDatabase();
  expect(await driftOf(pool)).toEqual([]);
});
