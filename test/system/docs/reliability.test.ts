import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentText, ROOT, section, tableRows } from '../../support/checkout/documents.ts';

const text = documentText('docs/reliability.md');
const rows = tableRows(section(text, 'The faults, and what was found'));

/** The faults that tests are named after, with their files. */
function testedFaults(): Map<string, Set<string>> {
  const faults = new Map<string, Set<string>>();
  for (const file of globSync('test/**/*.test.ts', { cwd: ROOT })) {
    for (const [, fault = ''] of documentText(file).matchAll(/['"`](F\d+): /g)) {
      faults.set(fault, (faults.get(fault) ?? new Set()).add(file));
    }
  }
  return faults;
}

test('every fault in the table has a test that is named after it, where the table says, and the other way round', () => {
  const listed = rows.map(([fault = '', , file = '']) => [fault, /\(\.\.\/([^)]+)\)/.exec(file)?.[1] ?? '']);
  const tested = [...testedFaults()].flatMap(([fault, files]) => [...files].map((file) => [fault, file]));
  const asText = (pairs: string[][]): string[] => pairs.map((pair) => pair.join(' ')).sort();
  // A row without a number is of a fault that the specification does not list.
  expect(asText(listed.filter(([fault]) => fault !== 'F30' && fault !== ''))).toEqual(asText(tested));
});

test('the soak, which is F30, is a script, and a part of the checks', () => {
  expect(rows.some(([fault, , where]) => fault === 'F30' && where?.includes('npm run soak'))).toBe(true);
  expect(documentText('.ci/checks.ts')).toContain('soak');
});
