import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { coverageByRoom, coverageProblems, MIN_COVERAGE } from '../../../.ci/coverage.ts';
import { projectFiles } from '../../../.ci/project_files.ts';
import { treeOf } from './tree_of_files.ts';

/** How often each line of a file ran, in istanbul's words. */
function file(path: string, runs: Record<number, number>) {
  const at = (line: string) => ({
    start: { line: Number(line), column: 2 },
    end: { line: Number(line), column: 9 },
  });
  const statementMap = Object.fromEntries(Object.keys(runs).map((line) => [line, at(line)]));
  return { [path]: { path, statementMap, s: runs, fnMap: {}, f: {}, branchMap: {}, b: {} } };
}

test('coverage is told by room, and a line counts if one of the runs ran it', () => {
  const first = { ...file('/c/core/a.ts', { 1: 1, 2: 0, 3: 0 }), ...file('/c/api/b/c.ts', { 1: 0, 2: 5 }) };
  const second = { ...file('/c/core/a.ts', { 1: 0, 2: 3, 3: 0 }), ...file('/c/core/d.ts', { 9: 1 }) };
  const tree = treeOf({ 'first.json': JSON.stringify(first), 'second.json': JSON.stringify(second) });
  const reports = ['first.json', 'second.json', 'missing.json'].map((name) => join(tree, name));
  expect([...coverageByRoom(reports, '/c')]).toEqual([
    ['api', 50],
    ['core', 75],
  ]);
  expect(coverageByRoom([join(tree, 'missing.json')], '/c').size).toBe(0);
});

test('each room below its least coverage is named, and so is one that was not measured', () => {
  const measured = new Map([
    ['core', 90],
    ['runner', 89.96],
  ]);
  expect(coverageProblems(measured, { core: 90, runner: 90, store: 92 })).toEqual([
    'runner: 89.9 % of lines, at least 90 % wanted; see "Coverage" in CONTRIBUTING.md',
    'store: 0.0 % of lines, at least 92 % wanted; see "Coverage" in CONTRIBUTING.md',
  ]);
});

test('every room has its least coverage, but those whose code does not run in the tests', () => {
  const root = dirname(dirname(dirname(import.meta.dirname)));
  const code = projectFiles(root).filter((file) => file.endsWith('.ts') && file.includes('/'));
  const rooms = new Set(code.map((file) => file.split('/')[0]));
  // The dashboard runs in browsers, and the demo and examples in copies of the checkout.
  for (const room of ['.ci', 'bench', 'dashboard', 'demo', 'examples', 'findings', 'test'])
    rooms.delete(room);
  expect([...rooms].sort()).toEqual(Object.keys(MIN_COVERAGE).sort());
});
