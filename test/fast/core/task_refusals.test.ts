import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const FIXTURES = join(import.meta.dirname, 'fixtures');

/** What is said of each of the bad definitions in fixtures/, beside its file and its name. */
const REFUSALS: Record<string, RegExp> = {
  name_without_namespace: /"send_invoice".*the name must match .*, with the namespace first/,
  name_with_capitals: /"billing\.sendInvoice".*the name must match/,
  name_too_long: /the name must match .* and have at most 128 characters/,
  version_with_blank: /the version 1 beta must match/,
  payload_not_an_object: /the payload schema must be an object/,
  payload_not_json:
    /payload\.items\[\]\.by: JSON cannot represent a Map: use an object, z\.record\(key, value\)/,
  payload_fails: /its payload schema cannot be compiled: Error: the tree is not there/,
  result_not_json: /result\.count: JSON cannot represent a bigint: use text/,
  example_not_accepted: /payload schema does not accept the example: \/example\/a .*; \/example\/b .*/,
  policy_not_accepted: /policy\.maxAttempts: .*; policy\.backoff\.factor: .*; policy\.timeoutMs: .*/,
  policy_cap_below_start: /policy\.backoff\.maxMs: must not be below backoff\.initialMs/,
  policy_misspelt: /policy: Unrecognized key: "retries"/,
  slow_expression:
    /payload\.paths\[\]\.name: the expression \/\^\(\[a-z\]\+\\\/\?\)\+\$\/ can take exponential time, with text such as "a", .*: rewrite it so that a text matches in only one way/,
  v3_slow_expression: /result\.\*: the expression \/\^\(a\|a\)\*\$\/ can take exponential time/,
  v3_set: /payload\.at: JSON cannot represent a Set: use a list, z\.array\(value\)/,
};

test('every fixture has its line', () => {
  const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.task.ts'));
  expect(files.toSorted()).toEqual(
    Object.keys(REFUSALS)
      .map((name) => `${name}.task.ts`)
      .toSorted(),
  );
});

test.each(Object.entries(REFUSALS))('%s is refused when it loads, with its file', async (name, why) => {
  const file = `${name}.task.ts`;
  const error = await import(`./fixtures/${name}.task.ts`).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect(message).toMatch(/^Task definition "[^"]+" in \S+: /);
  expect(message).toContain(`/test/fast/core/fixtures/${file}: `);
  expect(message).toMatch(why);
});
