import { expect, test } from 'vitest';
import { importProblems } from '../../../.ci/imports.ts';
import { ORDER } from '../../../.ci/order.ts';
import { treeOf } from './tree_of_files.ts';

/** A file that stands for a part of the order. */
const fileOf = (part: string): string => (part.endsWith('/') ? `${part}of_it.ts` : part);
const importing = (from: string, to: string): string =>
  `import '${'../'.repeat(from.split('/').length - 1)}${to}';\n`;

/** A tree with a file for each part, which imports one of each of these rows. */
function treeWith(rowsFor: (index: number, last: number) => number[]): Record<string, string> {
  return Object.fromEntries(
    Object.values(ORDER).flatMap((rows) =>
      rows.flatMap((row, index) =>
        row.map((part): [string, string] => {
          const others = rowsFor(index, rows.length - 1).flatMap((other) => rows[other]?.at(-1) ?? []);
          const imports = others.filter((other) => other !== part);
          return [fileOf(part), imports.map((to) => importing(fileOf(part), fileOf(to))).join('')];
        }),
      ),
    ),
  );
}

test('a folder may import those before it', async () => {
  const tree = treeWith((index) => Array.from({ length: index }, (_, row) => row));
  expect(await importProblems(treeOf(tree))).toEqual([]);
});

test('no folder imports one after it, nor one of its own row', async () => {
  const tree = treeWith((index, last) => (index === last ? [index] : [index, index + 1, last]));
  const expected = Object.entries(tree).flatMap(([file, text]) =>
    [...text.matchAll(/'(?:\.\.\/)+(.*)'/g)].map(
      ([, to]) => `${file.slice(0, file.indexOf('/'))}-order: ${file} → ${to}`,
    ),
  );
  expect(expected).toEqual(
    expect.arrayContaining([
      'store-order: store/database/of_it.ts → store/tasks/of_it.ts',
      'runner-order: runner/builtin/of_it.ts → runner/schedules/of_it.ts',
      'api-order: api/openapi/schemas/of_it.ts → api/main.ts',
    ]),
  );
  expect(new Set(await importProblems(treeOf(tree)))).toEqual(new Set(expected));
});

test('a new folder of an ordered room needs its place', async () => {
  const tree = treeOf({
    'store/attic/box.ts': `import '../database/pool.ts';\n`,
    'store/database/pool.ts': `import './old/pool.ts';\n`,
    'store/database/old/pool.ts': `import '../listen.ts';\n`,
    'store/database/listen.ts': '',
    'tasks/text/a.task.ts': `import '../../core/task.ts';\n`,
    'core/task.ts': '',
  });
  expect(await importProblems(tree)).toEqual([
    'store-folders-known: store/attic/box.ts → store/database/pool.ts',
    'store-folders-known: store/database/old/pool.ts → store/database/listen.ts',
  ]);
});
