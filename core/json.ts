import type { Detail } from './errors.ts';

/** Nesting beyond this is refused, in payloads and results alike (specification S9). */
export const MAX_DEPTH = 64;

/** More problems than this tell the caller nothing new. */
const MAX_PROBLEMS = 100;

/**
 * Parses JSON text without losing anything silently: an integer that a double can't hold becomes NaN and a
 * number beyond its range becomes Infinity, both of which `storageProblems` reports.
 * Throws SyntaxError when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // 2^53 has 16 digits: shorter runs are exact, and the slow second pass is rarely needed. It recurses per
  // level, so it must not see what is refused for its depth anyway.
  if (!/\d{16}/.test(text) || isTooDeep(value)) return value;
  return JSON.parse(text, (_key, item, context?: { source?: string }) =>
    typeof item === 'number' && isInexactInteger(item, context?.source) ? Number.NaN : item,
  );
}

function isInexactInteger(value: number, source: string | undefined): boolean {
  if (source === undefined || !/^-?\d+$/.test(source) || Number.isSafeInteger(value)) return false;
  return !Number.isFinite(value) ? false : BigInt(source) !== BigInt(value);
}

function isTooDeep(value: unknown): boolean {
  return storageProblems(value, '').some((problem) => problem.message.startsWith('is nested'));
}

/**
 * What Postgres or a later reader could not take in this JSON value: NUL and lone surrogates in texts and
 * keys, numbers outside double range, nesting over 64, prototype keys. Empty when the value is fine.
 * `path` is the JSON Pointer of the value itself.
 */
export function storageProblems(value: unknown, path: string): Detail[] {
  const problems: Detail[] = [];
  collectProblems(value, path, 1, problems);
  return problems;
}

function collectProblems(value: unknown, path: string, depth: number, problems: Detail[]): void {
  if (problems.length >= MAX_PROBLEMS) return;
  if (typeof value === 'string') {
    const problem = textProblem(value);
    if (problem !== null) problems.push({ path, message: problem });
  } else if (typeof value === 'number') {
    if (Number.isNaN(value))
      problems.push({
        path,
        message: 'is an integer beyond ±2^53 that can not be held exactly: send it as a string',
      });
    else if (!Number.isFinite(value))
      problems.push({ path, message: 'is a number outside the range of a double' });
  } else if (typeof value === 'object' && value !== null) {
    if (depth > MAX_DEPTH)
      problems.push({ path: shorten(path), message: `is nested deeper than ${MAX_DEPTH} levels` });
    else collectChildren(value, path, depth, problems);
  }
}

function collectChildren(value: object, path: string, depth: number, problems: Detail[]): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      collectProblems(value[index], `${path}/${index}`, depth + 1, problems);
    }
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    const childPath = `${path}/${pointerPart(key)}`;
    const problem = keyProblem(key, child);
    if (problem !== null) problems.push({ path: sanitizeText(childPath), message: problem });
    else collectProblems(child, childPath, depth + 1, problems);
  }
}

function keyProblem(key: string, child: unknown): string | null {
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

/** Escapes one reference token of a JSON Pointer (RFC 6901, section 3). */
export function pointerPart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function shorten(path: string): string {
  return path.length <= 100 ? path : `${path.slice(0, 100)}…`;
}
