#!/usr/bin/env bash
# recheck: a bounded repetition inside a bounded repetition, such as ^(a{1,5}){1,20}$.
# Expected: vulnerable, since each character more of "aaa…b" doubles the time, up to 100 of them. So recheck says itself of
# ^(a{1,50}){1,50}$ and when its fuzzing looks (`checker: 'fuzz'`, or `maxRepeatCount: 5`).
# Seen: with its own parameters "safe": its automata take every expression with a greatest length for safe. (Beside that, `timeout` is
# no bound: a check with `timeout: 1_000` took 1.85 s, and whether an expression is "vulnerable" or "unknown" depends on how busy the
# machine is, as the search has limits of time. With `incubationTimeout: null`, `attackTimeout: null` it depends on counts.)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --omit=optional recheck@4.5.0 >/dev/null
cat >run.cjs <<'JS'
const { version } = require('recheck/package.json');
const { checkSync } = require('recheck/lib/browser.js');
const NESTED = '^(a{1,5}){1,20}$';
const judged = (source, parameters) => {
  const { status, checker, complexity } = checkSync(source, '', { timeout: 60_000, ...parameters });
  return `${status} ${complexity?.type} by ${checker}`;
};
const seen = {
  nested: judged(NESTED),
  byFuzzing: judged(NESTED, { checker: 'fuzz' }),
  fewerRepeats: judged(NESTED, { maxRepeatCount: 5 }),
};
// What a text takes, in thousandths of a second: short enough to hang nothing.
const taken = [14, 18, 22].map((length) => {
  const begun = performance.now();
  new RegExp(NESTED).test(`${'a'.repeat(length)}b`);
  return `${length} characters ${(performance.now() - begun).toFixed(1)} ms`;
});
console.log(`recheck ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
console.log(taken.join(', '));
const expected = {
  nested: 'safe safe by automaton',
  byFuzzing: 'vulnerable exponential by fuzz',
  fewerRepeats: 'vulnerable exponential by fuzz',
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.cjs
