import type { Detail } from './errors.ts';

/** Nesting beyond this is refused, in payloads and results alike (specification S9). */
export const MAX_DEPTH = 64;

/** More problems than this tell the caller nothing new. */
export const MAX_PROBLEMS = 100;

/** How much of a wrong value, and of the path to it, is shown: a key can be megabytes long. */
const SHOWN_LENGTH = 100;
const SHOWN_PATH_LENGTH = 500;

/** A number of a JSON text that a double would change, as it was written. `storageProblems` reports it. */
class UnheldNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  /** Where it is only shown, it is text. */
  toJSON(): string {
    return this.source;
  }
}

/**
 * Parses JSON text without losing anything silently: in the place of an integer that a double can't hold, or of
 * a number beyond its range, comes a value that `storageProblems` reports. Throws SyntaxError when the text is
 * not JSON.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // 2^53 has 16 digits and 10^100 is in range: shorter runs are exact, and the slow second pass is rarely
  // needed. It recurses per level, so it must not see what is refused for its depth anyway.
  if (!/[\d.]{16}|[eE][-+]?\d{3}/.test(text) || isTooDeep(value)) return value;
  return JSON.parse(text, (_key, item, context?: { source?: string }) => {
    const source = context?.source;
    return typeof item === 'number' && source !== undefined && isChanged(item, source)
      ? new UnheldNumber(source)
      : item;
  });
}

/**
 * Whether a double is something else than what was written: out of range, or another integer. What counts is what
 * would be written again: 1763721234567000000 is no exact double, but comes back with the same digits.
 */
function isChanged(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true;
  const written = decimal(source);
  if (value === 0) return written.digits !== '';
  if (written.exponent < 0) return false;
  const held = decimal(String(value));
  return held.digits !== written.digits || held.exponent !== written.exponent;
}

const DECIMAL = /^-?(\d+)\.?(\d*)(?:[eE]([-+]?\d+))?$/;

/** A number as its significant digits and the power of ten behind them: an integer when that is not negative. */
function decimal(source: string): { digits: string; exponent: number } {
  const [, whole, fraction, exponent] = DECIMAL.exec(source) as unknown as [string, string, string, string?];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  return {
    digits: significant,
    exponent: Number(exponent ?? 0) - fraction.length + digits.length - significant.length,
  };
}

/** Stops at the first part that is too deep, so it never recurses further than that. */
function isTooDeep(value: unknown, depth = 1): boolean {
  if (!hasParts(value)) return false;
  return depth > MAX_DEPTH || Object.values(value).some((part) => isTooDeep(part, depth + 1));
}

/** `, got <value>`, shortened, to end a message about a wrong value; nothing when there is none. */
export function got(value: unknown): string {
  const text = JSON.stringify(value);
  return text === undefined ? '' : `, got ${shorten(text, SHOWN_LENGTH)}`;
}

/**
 * What Postgres or a later reader could not take in this JSON value: NUL and lone surrogates in texts and
 * keys, numbers outside double range, nesting over 64, prototype keys. Empty when the value is fine.
 * `path` is the JSON Pointer of the value itself.
 */
export function storageProblems(value: unknown, path: string): Detail[] {
  const problems: Detail[] = [];
  collectProblems(value, path, null, 1, problems);
  return problems;
}

/** Of a value at `key` in what is at `parent`: the path is made for the few that need one. */
function collectProblems(
  value: unknown,
  parent: string,
  key: string | number | null,
  depth: number,
  problems: Detail[],
): void {
  const problem = ownProblem(value, depth);
  if (problem !== null) problems.push(detail(pathOf(parent, key), problem));
  else if (hasParts(value)) collectOfParts(value, pathOf(parent, key), depth + 1, problems);
}

function collectOfParts(whole: object, path: string, depth: number, problems: Detail[]): void {
  if (Array.isArray(whole)) {
    for (let index = 0; index < whole.length && problems.length < MAX_PROBLEMS; index++) {
      collectProblems(whole[index], path, index, depth, problems);
    }
    return;
  }
  for (const key of Object.keys(whole)) {
    if (problems.length >= MAX_PROBLEMS) return;
    const part = (whole as Record<string, unknown>)[key];
    const problem = keyProblem(key, part);
    if (problem !== null) problems.push(detail(pathOf(path, key), problem));
    else collectProblems(part, path, key, depth, problems);
  }
}

function pathOf(parent: string, key: string | number | null): string {
  return key === null ? parent : `${parent}/${pointerPart(String(key))}`;
}

function hasParts(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof UnheldNumber);
}

/** What is wrong with a value apart from its parts, or null. */
function ownProblem(value: unknown, depth: number): string | null {
  if (typeof value === 'string') {
    const problem = textProblem(value);
    return problem === null ? null : `${problem}${got(value)}`;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? null : numberProblem(String(value));
  if (value instanceof UnheldNumber) return numberProblem(value.source);
  return depth > MAX_DEPTH && hasParts(value) ? `is nested deeper than ${MAX_DEPTH} levels` : null;
}

function numberProblem(source: string): string {
  const why =
    Number.isFinite(Number(source)) && Number(source) !== 0
      ? 'is an integer beyond ±2^53 that can not be held exactly: send it as a string'
      : 'is a number outside the range of a double';
  return `${why}, got ${shorten(source, SHOWN_LENGTH)}`;
}

/** What is wrong with a key that has this value, or null. */
export function keyProblem(key: string, child: unknown): string | null {
  if (key === '__proto__') return 'is a key that is not accepted: it could reach an object prototype';
  if (
    key === 'constructor' &&
    typeof child === 'object' &&
    child !== null &&
    Object.hasOwn(child, 'prototype')
  ) {
    return 'is a key that is not accepted with a prototype inside: it could reach an object prototype';
  }
  const problem = textProblem(key);
  return problem === null ? null : `has a key that ${problem}`;
}

/** What is wrong with a text that Postgres is to hold, or null. */
export function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'contains the character NUL (\\u0000), which Postgres can not store';
  if (!text.isWellFormed()) return 'contains a lone surrogate, which is not valid Unicode';
  return null;
}

/** The nearest text that Postgres can hold: NUL and lone surrogates become U+FFFD. */
export function sanitizeText(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').toWellFormed();
}

/** The value that a JSON Pointer leads to from a root; undefined when it leads nowhere. */
export function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Escapes one reference token of a JSON Pointer (RFC 6901, section 3). */
export function pointerPart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A detail that can be shown, whatever is in the keys of its path. */
export function detail(path: string, message: string): Detail {
  return { path: sanitizeText(shorten(path, SHOWN_PATH_LENGTH)), message };
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}
