#!/usr/bin/env bash
# Zod 4: whether two parses share the value of a default or a catch.
# Expected: what one caller does to its parsed value is not seen by the next parse.
# Seen: a default is copied on its outside only, and a catch value is not copied at all. A task queue whose handlers get parsed
# payloads would hand one task's changes to the next.
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
const list = z.array(z.number());
const outside = list.default([]);
outside.parse(undefined).push(1);
const inside = z.object({ list }).default({ list: [] });
inside.parse(undefined).list.push(1);
const caught = list.catch([]);
caught.parse('no list').push(1);
const made = list.catch(() => []);
made.parse('no list').push(1);
const seen = {
  default: outside.parse(undefined),
  insideOfDefault: inside.parse(undefined).list,
  catch: caught.parse('no list'),
  catchFunction: made.parse('no list'),
};
console.log(`zod ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = { default: [], insideOfDefault: [1], catch: [1], catchFunction: [] };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
