import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countTests, failures } from '../../../.ci/test_report.ts';
import { treeOf } from './tree_of_files.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((one) => ({ status: one })),
});

test('a failed test counts, and so does a file that failed without one', () => {
  const report = {
    numPassedTests: 3,
    testResults: [
      file('passed', 'passed', 'passed', 'skipped'),
      file('failed', 'passed', 'failed', 'failed'),
      file('failed'),
    ],
  };
  const tree = treeOf({ 'tests.json': JSON.stringify(report) });
  expect(countTests(join(tree, 'tests.json'))).toEqual({ passed: 3, failed: 3 });
});

test('what failed is named with its file and the beginning of why', () => {
  const long = Array.from({ length: 100 }, (_, line) => `line ${line}`).join('\n');
  const report = {
    numPassedTests: 1,
    testResults: [
      {
        name: 'a.test.ts',
        status: 'failed',
        assertionResults: [
          { status: 'passed', fullName: 'one' },
          { status: 'failed', fullName: 'two', failureMessages: [long] },
        ],
      },
      { name: 'b.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
      { name: 'c.test.ts', status: 'passed', assertionResults: [] },
    ],
  };
  const [two, whole, ...more] = failures(
    join(treeOf({ 'tests.json': JSON.stringify(report) }), 'tests.json'),
  );
  expect(two).toMatch(/^a\.test\.ts: two: line 0\n/);
  expect(two).not.toContain('line 20');
  expect([whole, more]).toEqual(['b.test.ts: no such module', []]);
});

test('a run without a report is one failure', () => {
  expect(countTests(join(treeOf({}), 'tests.json'))).toEqual({ passed: 0, failed: 1 });
  expect(failures(join(treeOf({}), 'tests.json'))).toEqual([]);
});
