#!/usr/bin/env bash
# Postgres: the digits of a float8 beside those that JavaScript writes for the same double.
# Expected: the same digits, as both write the fewest that give the double back.
# Seen: 1e23 is 9.999999999999999e+22 in Postgres and 1e+23 in JavaScript. It is documented (8.1.3: the text is never exactly
# midway between two doubles), and both texts give the same double back. But who compares or hashes JSON that came over a float8
# with JSON of JavaScript, as a queue does to find equal payloads, sees two numbers.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @electric-sql/pglite@0.3.14 >/dev/null
cat >run.mjs <<'JS'
import { PGlite } from '@electric-sql/pglite';
const db = new PGlite();
const {
  rows: [{ version }],
} = await db.query(`select current_setting('server_version') as version`);
const seen = {};
for (const number of [1e22, 1e23, 1e24, 5e-324]) {
  const text = String(number);
  const { rows } = await db.query(
    `select $1::text::float8::text as postgres, to_jsonb($1::text::float8) = $1::text::jsonb as equal_jsonb`,
    [text],
  );
  const [{ postgres, equal_jsonb }] = rows;
  seen[text] = { postgres, equalJsonb: equal_jsonb, sameDouble: Number(postgres) === number };
}
await db.close();
console.log(`Postgres ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = {
  '1e+22': { postgres: '1e+22', equalJsonb: true, sameDouble: true },
  '1e+23': { postgres: '9.999999999999999e+22', equalJsonb: false, sameDouble: true },
  '1e+24': { postgres: '1e+24', equalJsonb: true, sameDouble: true },
  '5e-324': { postgres: '5e-324', equalJsonb: true, sameDouble: true },
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
