import { expect, test } from 'vitest';
import { storageProblems } from '../../../../core/json/json.ts';
import { parseJson } from '../../../../core/json/json_text.ts';

test('an integer is not lost because it is written with a point or an exponent', () => {
  for (const text of ['9007199254740993.0', '9007199254740993e0', '900719925474099.3e1']) {
    expect([text, storageProblems(parseJson(text), '')]).toEqual([text, [expect.anything()]]);
  }
});

test('depth does not exhaust the stack when there are a hundred other problems before it', () => {
  const problems = '"\\u0000",'.repeat(100);
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  expect(storageProblems(parseJson(`[${problems}1234567890123456,${deep}]`), '')).toHaveLength(100);
});

test('an integer that comes back with the same digits is accepted, however it is written', () => {
  for (const text of ['1763721234567000000', '1e300', '9007199254740992', '12e20']) {
    expect([text, storageProblems(parseJson(text), '')]).toEqual([text, []]);
  }
});
