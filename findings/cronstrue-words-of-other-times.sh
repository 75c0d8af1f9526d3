#!/usr/bin/env bash
# cronstrue: the words of expressions that it takes and cron libraries run (croner 11 here).
# Expected: they say when it runs, or it throws.
# Seen: `*/45 * * * *` is "Every 45 minutes", but steps begin again with each hour, so it runs at 0 and 45 minutes past: after 45
# minutes and after 15. `0 9 * * 1-3#2` (the second Monday, Tuesday and Wednesday of the month) is "Monday through second
# Wednesday". A star in a list gives "undefined" and "*". `+MON`, lists of `W`, `MON#L` and `?` for minutes throw.
# Words are right if they come from what the parser has read, or from plain numbers that it gives to cronstrue.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cronstrue@3.39.0 croner@11.0.1 >/dev/null
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Cron } from 'croner';
import cronstrue from 'cronstrue';
const { version } = JSON.parse(readFileSync('node_modules/cronstrue/package.json', 'utf8'));

/** The words, and the first three runs of 2027. */
function seenOf(pattern) {
  const runs = new Cron(pattern, { timezone: 'UTC', paused: true }).nextRuns(3, new Date('2026-12-31T23:59:00Z'));
  const times = runs.map((run) => run.toISOString().slice(5, 16)).join(' ');
  try {
    return `${cronstrue.toString(pattern, { use24HourTimeFormat: true })} | ${times}`;
  } catch {
    return `throws | ${times}`;
  }
}

const expected = {
  '*/45 * * * *': 'Every 45 minutes | 01-01T00:00 01-01T00:45 01-01T01:00',
  '0 9 * * 1-3#2': 'At 09:00, Monday through second Wednesday | 01-11T09:00 01-12T09:00 01-13T09:00',
  '0 9 * * *,1': 'At 09:00, only on undefined and Monday | 01-01T09:00 01-02T09:00 01-03T09:00',
  '*,5 9 * * *': 'At * and 5 minutes past the hour, between 09:00 and 09:59 | 01-01T09:00 01-01T09:01 01-01T09:02',
  '0 9 1 * +MON': 'throws | 02-01T09:00 03-01T09:00 11-01T09:00',
  '0 9 1W,15W * *': 'throws | 01-01T09:00 01-15T09:00 02-01T09:00',
};
const seen = Object.fromEntries(Object.keys(expected).map((pattern) => [pattern, seenOf(pattern)]));
console.log(`cronstrue ${version}, node ${process.version}`);
console.log(JSON.stringify(seen, null, 1));
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
