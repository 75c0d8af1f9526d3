import { stripVTControlCharacters } from 'node:util';

// Text that tasks and submitters wrote may contain anything. On a terminal, a control sequence could move the
// cursor, set the title or hide what follows. So everything that is printed for people passes through here.

/** The characters that may act on a terminal: control characters, and marks that change the direction of text. */
const ACTIVE = /(?![\n\t])\p{Cc}|[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/**
 * The text without escape sequences. Other control characters are shown as `\x07`, so that they do nothing.
 * Line ends and tabs stay.
 */
export function toPlainText(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replaceAll(ACTIVE, toEscape);
}

/** The same on one line: each run of line ends, tabs and blanks becomes one blank. */
export function toOneLine(text: string): string {
  return toPlainText(text)
    .replaceAll(/[\n\t ]+/g, ' ')
    .trim();
}

/**
 * JSON that does nothing on a terminal. It escapes the characters that JSON allows unescaped, so the value
 * stays the same.
 */
export function toInertJson(json: string): string {
  return json.replaceAll(
    /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g,
    (character) => `\\u${hexOf(character, 4)}`,
  );
}

function toEscape(character: string): string {
  return character <= '\u00FF' ? `\\x${hexOf(character, 2)}` : `\\u${hexOf(character, 4)}`;
}

function hexOf(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
