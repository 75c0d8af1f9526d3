import { expect, test } from 'vitest';
import { typeReport } from '../../../dev/types.ts';

function said(lines: string): string[] {
  const all: string[] = [];
  const take = typeReport((report) => all.push(report));
  for (const line of lines.split('\n')) take(line);
  return all;
}

test('each error is said once, then how many there are, and that there are none any more', () => {
  const error = `a.ts(1,14): error TS2322: Type 'string' is not assignable to type 'number'.`;
  const lines = (found: string): string =>
    `02:39:40 PM - Starting compilation in watch mode...\n\n${found}\n`;
  const broken = lines(`${error}\n\n02:39:40 PM - Found 1 error. Watching for file changes.`);
  const fine = lines('02:39:42 PM - Found 0 errors. Watching for file changes.');
  expect(said(`${fine}${broken}${broken}${fine}`)).toEqual([
    'types: no errors',
    `types: ${error}\ntypes: 1 error`,
    'types: no errors',
  ]);
});
