#!/usr/bin/env bash
# Zod 4: z.toJSONSchema(schema, { io: 'input' }) beside what the schema parses, with Ajv 2020 as the reader of the JSON Schema.
# Expected: the JSON Schema of the input accepts what the schema parses, and compiles.
# Seen: normalised text, conversions, catches, preprocessing and the flag i are described more narrowly than they are parsed,
# and an infinite bound becomes `null`, which is no JSON Schema. A queue that validates by the published schema refuses valid
# payloads.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund zod@4.6.7 ajv@8.20.0 >/dev/null
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version;
const cases = {
  'trim, then max': [z.object({ x: z.string().trim().max(3) }), { x: ' abc ' }],
  'coerce.number': [z.object({ x: z.coerce.number() }), { x: '5' }],
  'catch, key absent': [z.object({ x: z.string().catch('c') }), {}],
  'catch, other type': [z.object({ x: z.string().catch('c') }), { x: 5 }],
  'preprocess, key absent': [z.object({ x: z.preprocess((x) => x ?? 1, z.number()) }), {}],
  'regex with flag i': [z.object({ x: z.string().regex(/^a$/i) }), { x: 'A' }],
  'multiple of 0.01': [z.object({ x: z.number().multipleOf(0.01) }), { x: 4.35 }],
  'max(Infinity)': [z.object({ x: z.array(z.string()).max(Infinity) }), { x: ['a'] }],
  'a plain string': [z.object({ x: z.string() }), { x: 'a' }],
};
const seen = Object.fromEntries(
  Object.entries(cases).map(([name, [schema, value]]) => {
    let described;
    try {
      const ajv = new Ajv2020({ strict: false, logger: false });
      described = ajv.validate(z.toJSONSchema(schema, { io: 'input' }), value) ? 'accepts' : 'refuses';
    } catch {
      described = 'does not compile';
    }
    return [name, `zod ${schema.safeParse(value).success ? 'accepts' : 'refuses'}, its JSON Schema ${described}`];
  }),
);
console.log(`zod ${versionOf('zod')}, ajv ${versionOf('ajv')}, node ${process.version}`);
for (const [name, what] of Object.entries(seen)) console.log(`${name}: ${what}`);
const narrower = Object.values(seen).filter((what) => /^zod accepts, .*(refuses|does not compile)$/.test(what)).length;
if (narrower !== 8) {
  console.log(`the behaviour has changed: ${narrower} of 9 are narrower, there were 8`);
  process.exitCode = 1;
}
JS
node run.mjs
