#!/usr/bin/env bash
# croner: a star with a step in one of the two day fields, such as the day of month in `0 9 */2 * MON`.
# Expected: as in Vixie cron, a field with a star does not count as restricted (crontab(5): "restricted, i.e. they do not
# contain the * character"), so both fields have to match: the Mondays among the odd days.
# Seen: only a field that is exactly `*` counts as a star, so either field is enough: every odd day, and every Monday. With
# `*/1` this is every day. A crontab that is moved over runs 16 times in that month instead of twice. `+MON` makes it "and".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund croner@11.0.1 >/dev/null
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Cron } from 'croner';
const { version } = JSON.parse(readFileSync('node_modules/croner/package.json', 'utf8'));

/** The days of February 2027, which begins on a Monday, on which the pattern runs. */
function daysOf(pattern) {
  const runs = new Cron(pattern, { timezone: 'UTC', paused: true }).nextRuns(40, new Date('2027-01-31T12:00:00Z'));
  return runs.filter((run) => run < new Date('2027-03-01T00:00:00Z')).map((run) => run.getUTCDate()).join(' ');
}

const seen = Object.fromEntries(
  ['0 9 */2 * MON', '0 9 */2 * +MON', '0 9 * * MON', '0 9 */1 * MON'].map((pattern) => [pattern, daysOf(pattern)]),
);
console.log(`croner ${version}, node ${process.version}`);
console.log(JSON.stringify(seen, null, 1));
const everyDay = Array.from({ length: 28 }, (_, index) => index + 1).join(' ');
const expected = {
  '0 9 */2 * MON': '1 3 5 7 8 9 11 13 15 17 19 21 22 23 25 27',
  '0 9 */2 * +MON': '1 15',
  '0 9 * * MON': '1 8 15 22',
  '0 9 */1 * MON': everyDay,
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
