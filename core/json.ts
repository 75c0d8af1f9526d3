import { type Detail, MAX_DETAILS } from './errors.ts';
import { excerpt } from './excerpt.ts';
import { MAX_DEPTH, UnheldNumber } from './json_text.ts';

/** How much of a wrong value, and of the path to it, is shown: a key can be megabytes long. */
const SHOWN_LENGTH = 100;
const SHOWN_PATH_LENGTH = 500;
const MESSAGE_LENGTH = 2_000;

/** `, got <value>`, shortened, to end a message about a wrong value; nothing when there is none. */
export function got(value: unknown): string {
  const text = JSON.stringify(excerpt(value, SHOWN_LENGTH));
  return text === undefined ? '' : `, got ${shorten(text, SHOWN_LENGTH)}`;
}

/**
 * What Postgres or a later reader could not take in this JSON value: NUL and lone surrogates in texts and
 * keys, numbers outside double range, nesting over 64, prototype keys. Empty when the value is fine.
 * `path` is the JSON Pointer of the value itself. `around` levels of it are not counted, as they are around what is stored.
 */
export function storageProblems(value: unknown, path: string, around = 0): Detail[] {
  const problems: Detail[] = [];
  collectProblems(value, path, null, 1 - around, problems);
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
    for (let index = 0; index < whole.length && problems.length < MAX_DETAILS; index++) {
      collectProblems(whole[index], path, index, depth, problems);
    }
    return;
  }
  for (const key of Object.keys(whole)) {
    if (problems.length >= MAX_DETAILS) return;
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
  return { path: sanitizeText(shorten(path, SHOWN_PATH_LENGTH)), message: shorten(message, MESSAGE_LENGTH) };
}

/** A text of so many characters at most, with `…` behind it if something is left out. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}

/** Whether a value has more properties and items than this, however deep. It looks at no more of them. */
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
    // Not Object.values, which takes three times as long for a million keys.
    for (const key of Object.keys(part)) {
      if (--left < 0) return;
      count((part as Record<string, unknown>)[key]);
    }
  };
  count(value);
  return left < 0;
}
