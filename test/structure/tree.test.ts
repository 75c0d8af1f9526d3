import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeProblems } from '../../.ci/tree.ts';
import { treeOf } from './tree_of_files.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Not written out: the check reads this file too. */
const OFF = '.skip';
const ALONE = '.only';

test('finds every file that breaks a rule, and no other', () => {
  const tree = treeOf({
    'api/long.ts': 'export {};\n'.repeat(251),
    'api/just.ts': 'export {};\n'.repeat(250),
    'migrations/0001_long.sql': '--\n'.repeat(251),
    'api/utils.ts': '',
    'api/http-helpers.ts': '',
    'core/shared/a.ts': '',
    'core/shared_ring.ts': '',
    'core/sharedness.ts': '',
    'test/a.test.ts': `test${OFF}('a', () => {});\n`,
    'test/b.test.ts': `  describe.concurrent${ALONE}('b', () => {});\n`,
    'test/c.test.ts': `test${OFF}If(true)('c', () => page${OFF}());\n`,
    'api/sql.ts': `const { wait } = request.query;\nawait pool.query<Row>('select 1');\n`,
    'store/sql.ts': `await pool.query('select 1');\n`,
    'bench/sql.ts': `await pool.query('select 1');\n`,
    'node_modules/utils/index.ts': '',
    'openapi.yaml': 'a: 1\n'.repeat(1_000),
  });
  expect(treeProblems(tree)).toEqual([
    'api/http-helpers.ts has a name that says nothing: name what it is for',
    'api/long.ts has 251 lines, more than 250',
    'api/sql.ts runs SQL, which is for store/',
    'api/utils.ts has a name that says nothing: name what it is for',
    'core/shared/a.ts has a name that says nothing: name what it is for',
    'migrations/0001_long.sql has 251 lines, more than 250',
    'test/a.test.ts switches a test off, or all others',
    'test/b.test.ts switches a test off, or all others',
  ]);
});

test('this checkout keeps the rules', () => {
  expect(treeProblems(ROOT)).toEqual([]);
});
