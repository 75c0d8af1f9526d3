import { expect, test } from 'vitest';
import { type Column, toTable } from '../../../../cli/output/table.ts';
import { cutTo, padTo, widthOf } from '../../../../cli/output/width.ts';

type Row = { id: string; name: string; note: string; count: number };

const COLUMNS: Column<Row>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'NAME', cell: ({ name }) => name, min: 8 },
  { head: 'COUNT', cell: ({ count }) => String(count), align: 'right' },
  { head: 'NOTE', cell: ({ note }) => note, min: 10, dropOrder: 1 },
];
const ROWS: Row[] = [
  { id: '01a2', name: 'billing.send_invoice', note: 'the bank does not answer', count: 7 },
  { id: '01a3', name: '日本語.テキスト', note: '', count: 12_345 },
];
const linesAt = (width?: number): string[] => toTable(COLUMNS, ROWS, width).split('\n').slice(0, -1);

test('in a pipe all is complete, and columns are aligned', () => {
  expect(linesAt()).toEqual([
    'ID    NAME                  COUNT  NOTE',
    '01a2  billing.send_invoice      7  the bank does not answer',
    '01a3  日本語.テキスト       12345',
  ]);
});

test.each([59, 50, 40, 30])('at %d columns every line fits, and ids and numbers are complete', (width) => {
  const lines = linesAt(width);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
  expect(lines[1]).toContain('01a2');
  expect(lines[2]).toContain('12345');
});

test('long columns are cut first, then a column is left out', () => {
  expect(linesAt(45)).toEqual([
    'ID    NAME             COUNT  NOTE',
    '01a2  billing.send_i…      7  the bank does …',
    '01a3  日本語.テキスト  12345',
  ]);
  expect(linesAt(30)[0]).toBe('ID    NAME               COUNT');
});

test('a terminal that is too narrow gets what cannot be cut', () => {
  expect(linesAt(5)[1]).toBe('01a2  billing…      7');
});

test('text of tasks stays in its cell', () => {
  const row = { id: 'x', name: 'a\nb', note: '\u001B[2Jgone\r', count: 1 };
  expect(toTable(COLUMNS, [row]).split('\n')[1]).toBe('x   a b       1  gone\\x0d');
});

test('wide characters and emoji take two columns', () => {
  expect(['abc', '日本', '🎉', 'e\u0301', 'ｆｕ'].map(widthOf)).toEqual([3, 4, 2, 1, 4]);
  expect([cutTo('日本語', 5), cutTo('abc', 3), padTo('日本', 6), padTo('ab', 4, 'right')]).toEqual([
    '日本…',
    'abc',
    '日本  ',
    '  ab',
  ]);
});
