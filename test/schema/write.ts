import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';
import { catalogueManifest } from './manifest.ts';
import { schemaText } from './text.ts';

// `npm run schema`: writes migrations/schema.sql and migrations/catalogue.json from the catalogue of a database that
// is made for it.
const MIGRATIONS = join(import.meta.dirname, '..', '..', 'migrations');

const directory = await mkdtemp(join(tmpdir(), 'errand-schema-'));
const server = await startPostgres({ directory, port: 0, settings: { fsync: 'off' }, log: () => {} });
try {
  const pool = openPool({
    connectionString: server.url,
    applicationName: 'errand schema',
    size: 2,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  await migrate(pool);
  await writeFile(join(MIGRATIONS, 'schema.sql'), await schemaText(pool));
  await writeFile(join(MIGRATIONS, 'catalogue.json'), await catalogueManifest(pool));
  await pool.end();
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
