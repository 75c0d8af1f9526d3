import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine } from '../../../core/csv.ts';

test('values become cells, and only what needs quotes has them', () => {
  expect(csvLine(['a', 1, -2.5, true, null, undefined, 'é'])).toBe('a,1,-2.5,true,,,é\r\n');
  expect(csvLine(['a,b', 'say "x"', 'two\nlines', ' a '])).toBe('"a,b","say ""x""","two\nlines"," a "\r\n');
  expect(csvLine([['a'], { b: 1 }])).toBe('"[""a""]","{""b"":1}"\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1'])(
  'the text %j is no formula for a spreadsheet',
  (text) => {
    expect(csvLine([text])).toBe(`"'${text}"\r\n`);
  },
);

test('a reader by RFC 4180 gets back all texts, apart from the apostrophe before a formula', () => {
  const unit = fc.constantFrom('a', '"', ',', '\r', '\n', '\t', "'", '=', '-', '@', ' ', '0', 'é', '😀');
  fc.assert(
    fc.property(fc.array(fc.string({ unit }), { minLength: 1, maxLength: 5 }), (texts) => {
      const cells = read(csvLine(texts)).map((cell, index) =>
        cell === `'${texts[index]}` ? cell.slice(1) : cell,
      );
      expect(cells).toEqual(texts);
    }),
  );
});

/** The cells of one line. */
function read(line: string): string[] {
  const cells = `,${line.slice(0, -2)}`.match(/,(?:"(?:[^"]|"")*"|[^",]*)/gs) ?? [];
  return cells
    .map((cell) => cell.slice(1))
    .map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell));
}
