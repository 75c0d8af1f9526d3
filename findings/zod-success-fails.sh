#!/usr/bin/env bash
# Zod 4: z.success(schema), whose output is whether a value fits.
# Expected: it takes any value and gives true or false.
# Seen: of a value that does not fit, the problems of the inner schema stay with the outer one, so the parse fails and false is
# never given; with an asynchronous parse, too.
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
const isText = z.success(z.string());
const given = ({ success, data, error }) => (success ? data : error.issues[0].message);
const seen = {
  fits: given(isText.safeParse('x')),
  doesNotFit: given(isText.safeParse(5)),
  doesNotFitAsync: given(await isText.safeParseAsync(5)),
  inObject: given(z.object({ x: isText }).safeParse({ x: 5 })),
};
console.log(`zod ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const message = 'Invalid input: expected string, received number';
const expected = { fits: true, doesNotFit: message, doesNotFitAsync: message, inObject: message };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
