import { expect, test } from 'vitest';
import { CODES } from '../../../doctor/finding.ts';
import { documentText, section, tableRows } from '../../support/checkout/documents.ts';

test('the guide lists every code of errand doctor, and no other', () => {
  const text = section(
    documentText('docs/guides/troubleshooting.md'),
    'What is wrong with this installation?',
  );
  const listed = tableRows(text).flatMap(([cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code),
  );
  expect(listed).toEqual(Object.keys(CODES));
});
