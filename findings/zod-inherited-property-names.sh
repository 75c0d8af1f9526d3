#!/usr/bin/env bash
# Zod 4: optional properties whose name every JavaScript object inherits, such as `toString` and `constructor`.
# Expected: `{}` has no such property, so it fits, and a default is filled in; so does the JSON Schema of an intersection, where
# only one side lists it.
# Seen: Zod reads the inherited function and refuses it, and takes it for the value of z.unknown(). An object without a
# prototype fits. In the JSON Schema of an intersection the side that does not list it contributes null, which is no JSON Schema.
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
const optional = z.object({ toString: z.string().optional() });
const both = z.object({ a: z.string() }).and(z.object({ toString: z.string() }));
const seen = {
  otherName: z.object({ text: z.string().optional() }).safeParse({}).success,
  optional: optional.safeParse({}).error?.issues[0].message ?? 'fits',
  withoutPrototype: optional.safeParse(Object.create(null)).success,
  default: z.object({ constructor: z.string().default('d') }).safeParse({}).success,
  unknown: typeof z.object({ valueOf: z.unknown() }).safeParse({}).data?.valueOf,
  intersection: z.toJSONSchema(both).properties.toString,
};
console.log(`zod ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = {
  otherName: true,
  optional: 'Invalid input: expected string, received function',
  withoutPrototype: true,
  default: false,
  unknown: 'function',
  intersection: { allOf: [null, { type: 'string' }] },
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
