import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

// By this a start tells whether it has to load graphile-worker (store/database/migrate.ts).
test('a migrated database has the number of the last file that graphile-worker brings along', async () => {
  const package_ = dirname(createRequire(import.meta.url).resolve('graphile-worker'));
  const last = readdirSync(join(package_, '..', 'sql'))
    .sort()
    .at(-1);
  const { rows } = await pool.query('select max(id) as id from errand_worker.migrations');
  expect(rows).toEqual([{ id: Number.parseInt(last ?? '', 10) }]);
});
