import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeProblems, treeWarnings } from '../../../.ci/tree.ts';
import { treeOf } from './tree_of_files.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Not written out: the check reads this file too. */
const OFF = '.skip';
const ALONE = '.only';

test('finds every file that breaks a rule, and no other', () => {
  const tree = treeOf({
    'api/long.ts': 'export {};\n'.repeat(401),
    'api/just.ts': 'export {};\n'.repeat(400),
    'migrations/0001_long.sql': '--\n'.repeat(401),
    'api/utils.ts': '',
    'api/http-helpers.ts': '',
    'core/shared/a.ts': '',
    'core/shared_dispatch.ts': '',
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
    'api/long.ts has 401 lines, more than 400',
    'api/sql.ts runs SQL, which is for store/',
    'api/utils.ts has a name that says nothing: name what it is for',
    'core/shared/a.ts has a name that says nothing: name what it is for',
    'migrations/0001_long.sql has 401 lines, more than 400',
    'test/a.test.ts switches a test off, or all others',
    'test/b.test.ts switches a test off, or all others',
  ]);
});

test('warns of long files and full folders', () => {
  const many = (folder: string, count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${folder}file_${index}.ts`, '']));
  const tree = treeOf({
    'api/long.ts': 'export {};\n'.repeat(251),
    'api/just.ts': 'export {};\n'.repeat(250),
    'api/refused.ts': 'export {};\n'.repeat(401),
    'openapi.yaml': 'a: 1\n'.repeat(300),
    ...many('', 21),
    ...many('core/', 20),
    ...many('core/json/', 21),
    ...many('migrations/functions/', 21),
    ...many('node_modules/x/', 21),
  });
  expect(treeWarnings(tree)).toEqual([
    'api/long.ts has 251 lines, more than 250',
    'core/json/ has 21 files, more than 20',
  ]);
});

test('what is generated may be of any length', () => {
  const generated = new Set(['migrations/schema.sql', 'migrations/words.sql']);
  const tree = treeOf({
    'migrations/schema.sql': '--\n'.repeat(401),
    'migrations/words.sql': '--\n'.repeat(251),
  });
  expect([...treeProblems(tree, generated), ...treeWarnings(tree, generated)]).toEqual([]);
});

test('this checkout keeps the rules', () => {
  expect(treeProblems(ROOT)).toEqual([]);
});
