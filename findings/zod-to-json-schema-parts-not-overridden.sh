#!/usr/bin/env bash
# zod-to-json-schema 3.25: the schemas that `override` is asked about.
# Expected: every part of a schema, as the option is there to describe parts otherwise.
# Seen: it is not asked about the inside of a nullable of a primitive type, the branches of a union of such types, and the keys of
# a record. Who describes strings with it, say, misses those.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund zod@4.6.7 zod-to-json-schema@3.25.2 >/dev/null
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { z } from 'zod/v3';
import { ignoreOverride, zodToJsonSchema } from 'zod-to-json-schema';
const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version;
const asked = (schema) => {
  const names = [];
  const override = (def) => {
    names.push(def.typeName);
    return ignoreOverride;
  };
  zodToJsonSchema(schema, { override });
  return names.join(' ');
};
const seen = {
  array: asked(z.array(z.string())),
  optional: asked(z.object({ x: z.string().optional() })),
  nullable: asked(z.string().nullable()),
  nullableWithBound: asked(z.string().min(2).nullable()),
  union: asked(z.union([z.string(), z.number()])),
  unionWithBound: asked(z.union([z.string().min(2), z.number()])),
  record: asked(z.record(z.string().min(2), z.number())),
};
console.log(`zod-to-json-schema ${versionOf('zod-to-json-schema')}, zod ${versionOf('zod')}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = {
  array: 'ZodArray ZodString',
  optional: 'ZodObject ZodOptional ZodString',
  nullable: 'ZodNullable',
  nullableWithBound: 'ZodNullable ZodString',
  union: 'ZodUnion',
  unionWithBound: 'ZodUnion ZodString ZodNumber',
  record: 'ZodRecord ZodNumber',
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
