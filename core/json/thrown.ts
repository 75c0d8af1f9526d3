import { types } from 'node:util';
import { sanitizeText } from './json.ts';
import { shownJson } from './lossless.ts';
import { readOr } from './read_or.ts';

const UNREADABLE = '[throws when it is read]';

/**
 * Whether a thrown value is an error, also one from another realm. Any value may be thrown: even reading the
 * class of a proxy may throw.
 */
export function isError(thrown: unknown): thrown is Error {
  return readOr(() => types.isNativeError(thrown) || thrown instanceof Error, false);
}

/** A property of a thrown value, or undefined if it has none or if reading it throws. */
export function memberOf(thrown: object, name: string): unknown {
  return readOr(() => (thrown as Record<string, unknown>)[name], undefined);
}

/** The text of a value for Postgres, of about `length` characters at most; null if there is none. */
export function textOf(read: () => unknown, length: number): string | null {
  const text = readOr(() => inWords(read()), UNREADABLE);
  if (text === null) return null;
  return sanitizeText(text.length <= length ? text : `${text.slice(0, length)}…`);
}

/** Objects are shown as JSON. For most, String gives only "[object Object]". */
function inWords(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'object' ? JSON.stringify(shownJson(value)) : String(value);
}

/** The `code` of an error, a text or a number, or null. */
export function codeOf(thrown: object, length: number): string | null {
  const code = memberOf(thrown, 'code');
  return typeof code === 'string' || typeof code === 'number' ? textOf(() => code, length) : null;
}
