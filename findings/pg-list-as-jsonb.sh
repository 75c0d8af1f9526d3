#!/usr/bin/env bash
# pg (node-postgres): a JavaScript list as the value of a jsonb parameter.
# Expected: what an object gives, its JSON. A list is JSON as well.
# Seen: pg writes a list as a Postgres array, before it knows the type of the parameter. The text of an empty one is `{}`,
# which jsonb takes for an empty object, without a word. A list of numbers is refused as invalid JSON. Who stores payloads
# that callers shape has to give pg JSON.stringify(value) instead of the value.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 @electric-sql/pglite@0.3.14 @electric-sql/pglite-socket@0.0.19 >/dev/null
cat >run.mjs <<'JS'
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import pg from 'pg';
const { version } = createRequire(import.meta.url)('pg/package.json');
const db = await PGlite.create();
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const listening = once(server, 'listening');
await server.start();
const [{ detail }] = await listening;
const client = new pg.Client({ host: '127.0.0.1', port: detail.port, user: 'postgres', database: 'postgres' });
await client.connect();
const seen = {};
for (const value of [{}, { a: 1 }, [], [1, 2]]) {
  seen[JSON.stringify(value)] = await client.query('select $1::jsonb::text as stored', [value]).then(
    ({ rows: [{ stored }] }) => stored,
    (error) => error.message,
  );
}
await client.end();
await server.stop();
await db.close();
console.log(`pg ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = { '{}': '{}', '{"a":1}': '{"a": 1}', '[]': '{}', '[1,2]': 'invalid input syntax for type json' };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
process.exit();
JS
node run.mjs
