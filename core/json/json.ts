import { type Detail, MAX_DETAILS } from '../errors.ts';
import { MAX_DEPTH, UnheldNumber } from './json_text.ts';

/** How much of a wrong value, and of its path, is shown. A key can have megabytes. */
const SHOWN_LENGTH = 100;
const SHOWN_PATH_LENGTH = 500;
const MESSAGE_LENGTH = 2_000;

/** `, got <value>` for the end of a message about a wrong value, shortened; empty if there is no value. */
export function got(value: unknown): string {
  const text = JSON.stringify(excerpt(value, SHOWN_LENGTH));
  return text === undefined ? '' : `, got ${shorten(text, SHOWN_LENGTH)}`;
}

/**
 * The problems of a JSON value that Postgres or a later reader could not handle: NUL and lone surrogates in
 * texts and keys, numbers outside the range of a double, nesting over 64 levels, prototype keys. Empty if
 * there are none. `path` is the JSON Pointer of the value. The outermost `around` levels are not counted,
 * because they are not stored.
 */
export function storageProblems(value: unknown, path: string, around = 0): Detail[] {
  const problems: Detail[] = [];
  collectProblems(value, path, null, 1 - around, problems);
  return problems;
}

/**
 * Checks the value at `key` of the container at `parent`. The path is built only for the few values that need
 * it.
 */
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

function collectOfParts(container: object, path: string, depth: number, problems: Detail[]): void {
  if (Array.isArray(container)) {
    for (let index = 0; index < container.length && problems.length < MAX_DETAILS; index++) {
      collectProblems(container[index], path, index, depth, problems);
    }
    return;
  }
  for (const key of Object.keys(container)) {
    if (problems.length >= MAX_DETAILS) return;
    const part = (container as Record<string, unknown>)[key];
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

/** The problem of a value apart from its parts, or null. */
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
      ? 'is an integer beyond ±2^53 that cannot be stored exactly: send it as a string'
      : 'is a number outside the range of a double';
  return `${why}, got ${shorten(source, SHOWN_LENGTH)}`;
}

/** The problem of a key with this value, or null. */
export function keyProblem(key: string, child: unknown): string | null {
  if (key === '__proto__') return 'is not accepted as a key, because it could change an object prototype';
  if (
    key === 'constructor' &&
    typeof child === 'object' &&
    child !== null &&
    Object.hasOwn(child, 'prototype')
  ) {
    return 'is not accepted as a key with a prototype inside, because it could change an object prototype';
  }
  const problem = textProblem(key);
  return problem === null ? null : `has a key that ${problem}`;
}

/** The problem of a text for Postgres, or null. */
export function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'contains the character NUL (\\u0000), which Postgres cannot store';
  if (!text.isWellFormed()) return 'contains a lone surrogate, which is not valid Unicode';
  return null;
}

/** The nearest text that Postgres can store: NUL and lone surrogates become U+FFFD. */
export function sanitizeText(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').toWellFormed();
}

/** The value at a JSON Pointer; undefined if there is none. */
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

/** A detail whose path and message can be shown, whatever the keys of its path contain. */
export function detail(path: string, message: string): Detail {
  return { path: sanitizeText(shorten(path, SHOWN_PATH_LENGTH)), message: shorten(message, MESSAGE_LENGTH) };
}

/** A text of at most `length` characters, with `…` if something was left out. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}

/**
 * Whether a value has more properties and items than `limit`, at all levels. It stops counting at the limit.
 */
export function hasMoreParts(value: unknown, limit: number): boolean {
  let left = limit;
  const count = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    if (Array.isArray(part)) {
      for (const item of part) {
        if (--left < 0) return;
        count(item);
      }
      return;
    }
    // `Object.values` takes three times as long for a million keys.
    for (const key of Object.keys(part)) {
      if (--left < 0) return;
      count((part as Record<string, unknown>)[key]);
    }
  };
  count(value);
  return left < 0;
}

/**
 * The part of a JSON value that gives the first `length` characters of its text. JSON.stringify then takes no
 * longer for a value of megabytes.
 */
function excerpt(value: unknown, length: number): unknown {
  let left = length + 1;

  function take(part: unknown): unknown {
    left--;
    if (typeof part === 'string') return part.slice(0, length + 1);
    if (Array.isArray(part)) return takeItems(part);
    return isPlainObject(part) ? takeProperties(part) : part;
  }

  function takeItems(items: readonly unknown[]): unknown[] {
    const taken: unknown[] = [];
    for (let index = 0; index < items.length && left > 0; index++) taken.push(take(items[index]));
    return taken;
  }

  function takeProperties(container: Record<string, unknown>): unknown {
    const taken: [string, unknown][] = [];
    for (const key of Object.keys(container)) {
      if (left <= 0) break;
      taken.push([key.slice(0, length + 1), take(container[key])]);
    }
    return Object.fromEntries(taken);
  }

  return take(value);
}

/** Whether JSON.stringify writes a value as an ordinary object. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !('toJSON' in value);
}
