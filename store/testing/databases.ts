import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../database/migrate.ts';
import { readMigrationFiles } from '../database/migration_files.ts';
import { openPool } from '../database/pool.ts';

const PREFIX = 'errand_test_';
/** The number of the lock under which a template is made, and databases of killed tests are dropped. */
const LOCK = 7_301_944_071;
const RENEWED_SECS = 30;

/** A database of one test, and its end. */
export type TestDatabase = {
  url: string;
  /** Drops the database, with all connections to it. */
  drop(): Promise<void>;
};

/**
 * Makes a database with Errand's schema on a server, as a copy of a migrated one that is made the first time.
 * `url` is any database of that server, whose role may create databases; nothing in it changes. Databases whose
 * tests were killed are dropped.
 */
export async function createTestDatabase(url: string, id: string): Promise<TestDatabase> {
  const name = `${PREFIX}${id}`;
  // The session stays open: it says that the database is in use.
  const client = new Client({ connectionString: url, application_name: name });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::integer as version",
    );
    const version = rows[0]?.version ?? 0;
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    try {
      await dropAbandoned(client);
      const template = await requireTemplate(client, url, version);
      // The template is small: its files are copied faster than its pages are logged.
      await client.query(`create database ${name} template ${template} ${copying(version)}`);
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCK]);
    }
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    url: inDatabase(url, name),
    async drop() {
      await client.query(`drop database if exists ${name} with (force)`).finally(() => client.end());
    },
  };
}

/** A server that only tests use. */
export type TestServer = {
  /** How many tests use it now. */
  countTests(): Promise<number>;
  close(): Promise<void>;
};

/** Connects to a server that only tests use, as its superuser, and makes connections to it cheap. */
export async function openTestServer(url: string): Promise<TestServer> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  // Many connections are made, each of which would derive a key from the password.
  await client.query("set scram_iterations = 1; alter role errand password 'errand'");
  return {
    async countTests() {
      const { rows } = await client.query<{ count: number }>(
        'select count(*)::integer as count from pg_stat_activity where starts_with(application_name, $1)',
        [PREFIX],
      );
      return rows[0]?.count ?? 0;
    },
    close: () => client.end().catch(() => {}),
  };
}

/** The text that names this version of the schema: another version has another template. */
async function schemaMark(serverVersion: number): Promise<string> {
  const { tables, functions } = await readMigrationFiles(serverVersion);
  const hashes = [...tables, ...functions.values()].map(({ name, hash }) => `${name} ${hash}`).sort();
  return createHash('sha256').update(hashes.join('\n')).digest('hex').slice(0, 16);
}

/** From 15 on, a copy of files must be asked for. */
function copying(version: number): string {
  return version < 150_000 ? '' : 'strategy file_copy';
}

async function requireTemplate(client: Client, url: string, version: number): Promise<string> {
  const template = `errand_template_${await schemaMark(version)}`;
  const found = await client.query('select from pg_database where datname = $1', [template]);
  if (found.rowCount === 1) return template;
  // A killed test may have left one that is not complete.
  await client.query(`drop database if exists ${template}_new with (force)`);
  await client.query(`create database ${template}_new template template0`);
  const pool = openPool({
    connectionString: inDatabase(url, `${template}_new`),
    applicationName: 'errand test template',
    size: 2,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  try {
    await migrate(pool, { waitMs: RENEWED_SECS * 1_000, onBlocked: () => {} });
  } finally {
    await pool.end();
  }
  await client.query(`alter database ${template}_new rename to ${template}`);
  return template;
}

/** Drops databases of tests without the session that says that they are in use. */
async function dropAbandoned(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select datname as name
       from pg_database d
      where starts_with(datname, $1)
        and not exists (select from pg_stat_activity a where a.application_name = d.datname)`,
    [PREFIX],
  );
  for (const { name } of rows) await client.query(`drop database if exists "${name}" with (force)`);
}

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
