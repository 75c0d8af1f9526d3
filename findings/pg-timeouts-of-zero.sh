#!/usr/bin/env bash
# pg (node-postgres): `statement_timeout: 0` and its siblings in the configuration of a client.
# Expected: they are sent when the connection starts, as every other value is: 0 is Postgres's word for "no limit".
# Seen: 0 is left out of the start parameters. So a limit that the role or the database has (`alter role … set
# statement_timeout = '5s'`) stays, and a migration that asked for no limit is cancelled by it. It has to be set by a
# statement once the connection is there.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund pg@8.23.1 >/dev/null
cat >run.mjs <<'JS'
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import pg from 'pg';
const { version } = createRequire(import.meta.url)('pg/package.json');

/** The start parameters that a client sends, by name. The one that reads them hangs up then. */
async function startParameters(config) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new pg.Client({ host: '127.0.0.1', port: server.address().port, user: 'u', database: 'd', ...config });
  client.on('error', () => {});
  const refused = client.connect().catch(() => {});
  const [socket] = await once(server, 'connection');
  const [message] = await once(socket, 'data');
  socket.destroy();
  await refused;
  server.close();
  const words = message.subarray(8).toString().split('\0');
  return Object.fromEntries(words.flatMap((word, index) => (index % 2 === 0 && word ? [[word, words[index + 1]]] : [])));
}

const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
const seen = {};
for (const ms of [0, 1, 5000]) {
  const sent = await startParameters(Object.fromEntries(names.map((name) => [name, ms])));
  seen[ms] = names.map((name) => sent[name] ?? 'not sent');
}
console.log(`pg ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = {
  0: ['not sent', 'not sent', 'not sent'],
  1: ['1', '1', '1'],
  5000: ['5000', '5000', '5000'],
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
