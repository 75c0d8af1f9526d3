import { expect, inject, test } from 'vitest';
import { driftOf } from '../../fast/store/doctor/drift_of.ts';
import { createDatabase } from '../../support/database.ts';

test(`Postgres ${inject('postgresVersion')} describes a migrated database as the manifest does`, async () => {
  const { pool } = await createDatabase();
  expect(await driftOf(pool)).toEqual([]);
});
