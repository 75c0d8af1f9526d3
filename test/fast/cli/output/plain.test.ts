import { expect, test } from 'vitest';
import { toInertJson, toOneLine, toPlainText } from '../../../../cli/output/plain.ts';

/** What a task may write to act on the terminal of an operator. */
const HOSTILE = [
  '\u001B[2J\u001B[H', // clears the screen
  '\u001B]0;title\u0007', // sets the title
  '\u001B]8;;https://example.com\u001B\\link\u001B]8;;\u001B\\', // makes a link
  '\u009B31m', // the same as ESC [ in one character
  '\u001BP+q544e\u001B\\', // asks the terminal
  '\rover the line',
  'back\u0008\u0008\u0008\u0008',
  'bell\u0007',
  'a\u202Egnp.exe', // reverses what follows
  '\u001B\u001B[0m[31m', // becomes a sequence when one is removed
  '\u0000\u007F',
];

test.each(HOSTILE)('%j does nothing on a terminal', (text) => {
  for (const shown of [toPlainText(text), toOneLine(text)])
    expect(shown).not.toMatch(/(?![\n\t])\p{Cc}|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/u);
});

test('colours are removed, other control characters are shown', () => {
  expect(toPlainText('\u001B[32mok\u001B[39m\u0007 \u202Ex')).toBe('ok\\x07 \\u202ex');
});

test('lines, tabs and the text of all languages stay', () => {
  expect(toPlainText('first\r\n\tsecond 日本語 🎉')).toBe('first\n\tsecond 日本語 🎉');
  expect(toOneLine(' first\r\n\tsecond\n')).toBe('first second');
});

test('JSON stays the same value and does nothing on a terminal', () => {
  const value = { text: HOSTILE.join('|') };
  const json = toInertJson(JSON.stringify(value));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toMatch(/^[\x20-\x7E]*$/);
});
