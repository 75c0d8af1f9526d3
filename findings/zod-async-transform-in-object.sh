#!/usr/bin/env bash
# Zod 4: what a synchronous parse of an asynchronous schema throws.
# Expected: $ZodAsyncError, wherever the asynchronous transform is, as the documentation of .parse() says.
# Seen: inside an object it is a TypeError about `length`, as the generated code of objects takes the promise for an outcome.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund zod@4.6.7 >/dev/null
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { z } from 'zod';
const { version } = JSON.parse(readFileSync('node_modules/zod/package.json', 'utf8'));
const slow = z.string().transform(async (text) => text);
const thrownBy = (schema, value) => {
  try {
    schema.safeParse(value);
    return 'nothing';
  } catch (error) {
    return error.constructor.name;
  }
};
const seen = {
  alone: thrownBy(slow, 'a'),
  inArray: thrownBy(z.array(slow), ['a']),
  inObject: thrownBy(z.object({ x: slow }), { x: 'a' }),
  asyncParse: (await z.object({ x: slow }).safeParseAsync({ x: 'a' })).success,
};
console.log(`zod ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = { alone: '$ZodAsyncError', inArray: '$ZodAsyncError', inObject: 'TypeError', asyncParse: true };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
