import { types } from 'node:util';
import { type Detail, MAX_DETAILS } from './errors.ts';
import { detail, keyProblem, pointerPart, sanitizeText, textProblem } from './json.ts';
import { MAX_DEPTH } from './json_text.ts';
import { lostForm, shown } from './lossless_forms.ts';

/** A value as JSON has it, or everything that JSON would lose or change of it. */
export type Lossless = { ok: true; value: unknown } | { ok: false; details: Detail[] };

/** Each takes two characters of JSON at least, and 10 MB is the most that a result or a request may have. */
const MAX_PARTS = 5 * 1024 * 1024;

/** The way to the part that is looked at, and what was found on it. */
type Walk = {
  readonly path: string;
  readonly trail: (string | number)[];
  readonly ancestors: object[];
  readonly details: Detail[];
  parts: number;
};

/**
 * A value of JavaScript as the JSON value that JSON.stringify would make of it, in a copy, if nothing is lost or changed
 * by that; else what is wrong, up to 100 details, each of which says what to do. `path` is the JSON Pointer of the
 * value itself.
 *
 * Fine are properties that are undefined (left out), dates (ISO 8601 text), whatever has a `toJSON` (what that gives is
 * judged), boxed primitives, and instances with data of their own. Not looked for are properties with symbols as keys,
 * named properties of arrays, and what an instance keeps in private beside its data. Refused is also what Postgres
 * could not hold (see `storageProblems`).
 */
export function losslessJson(value: unknown, path: string): Lossless {
  const walk = begin(path);
  const plain = plainOf(value, walk);
  if (walk.parts > MAX_PARTS) {
    walk.details.push(detail(path, `has more than ${MAX_PARTS} parts: store it elsewhere and give where`));
  }
  return walk.details.length === 0 ? { ok: true, value: plain } : { ok: false, details: walk.details };
}

/**
 * The same for what must be recorded whatever is in it (metadata of errors, fields of log lines): a text that names it
 * stands in the place of each part that JSON would lose, such as "[Map]" or "NaN".
 */
export function shownJson(value: unknown): unknown {
  const walk = begin('');
  const plain = plainOf(value, walk);
  return isOver(walk) ? '[too many parts, or too many that are not JSON]' : plain;
}

function begin(path: string): Walk {
  return { path, trail: [], ancestors: [], details: [], parts: 0 };
}

function isOver({ details, parts }: Walk): boolean {
  return details.length >= MAX_DETAILS || parts > MAX_PARTS;
}

/** Notes what is wrong with the part that is looked at, and gives what is shown instead of it. */
function refuse(walk: Walk, problem: string, instead: unknown): unknown {
  const place = [walk.path, ...walk.trail.map((key) => pointerPart(String(key)))].join('/');
  if (walk.details.length < MAX_DETAILS) walk.details.push(detail(place, problem));
  return instead;
}

function plainOf(value: unknown, walk: Walk): unknown {
  walk.parts++;
  switch (typeof value) {
    case 'string': {
      const problem = textProblem(value);
      return problem === null
        ? value
        : refuse(walk, `${problem}, got ${shown(JSON.stringify(value))}`, sanitizeText(value));
    }
    case 'boolean':
      return value;
    case 'number':
      // JSON has no negative zero.
      return Number.isFinite(value) ? value + 0 : refuse(walk, becomesNull(String(value)), String(value));
    case 'object':
      return value === null ? null : plainOfObject(value, walk);
    case 'undefined':
      return refuse(walk, becomesNull('undefined'), null);
    case 'bigint':
      return plainOfBigInt(value, walk);
    default:
      return refuse(
        walk,
        `is a ${typeof value}, which JSON leaves out: give what it stands for`,
        `[a ${typeof value}]`,
      );
  }
}

function becomesNull(what: string): string {
  return `is ${what}, of which JSON makes null: give null yourself, or a text`;
}

/** A program that gives BigInt.prototype a `toJSON` has said what is to become of them. */
function plainOfBigInt(value: bigint, walk: Walk): unknown {
  if (hasToJson(value)) return plainOfObject(Object(value) as object, walk);
  const digits = String(value);
  return refuse(walk, `is the bigint ${shown(digits)}, which JSON can not hold: give a text`, digits);
}

function hasToJson(value: object | bigint): value is { toJSON: (key: string) => unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

function plainOfObject(value: object, walk: Walk): unknown {
  const depth = walk.trail.length;
  const above = walk.ancestors.length;
  try {
    if (!hasToJson(value)) return plainOfParts(value, walk);
    if (types.isDate(value) && Number.isNaN(value.getTime())) {
      return refuse(walk, becomesNull('an invalid Date'), 'Invalid Date');
    }
    const given = value.toJSON(String(walk.trail.at(-1) ?? ''));
    if (typeof given === 'object' && given !== null) return plainOfParts(given, walk);
    if (given !== undefined) return plainOf(given, walk);
    return refuse(walk, 'has a toJSON that gives undefined: give undefined yourself', '[undefined]');
  } catch (error) {
    // A getter, a toJSON, or a trap of a proxy.
    const instead = refuse(
      walk,
      `throws when it is read: ${shown(error instanceof Error ? String(error.message) : typeof error)}`,
      '[throws when it is read]',
    );
    walk.trail.length = depth;
    walk.ancestors.length = above;
    return instead;
  }
}

/** Of what has no `toJSON`, or came from one. */
function plainOfParts(whole: object, walk: Walk): unknown {
  if (walk.ancestors.includes(whole)) {
    return refuse(walk, 'refers back to what it is in, and JSON has no circles: give an id', '[circular]');
  }
  if (walk.trail.length >= MAX_DEPTH) {
    return refuse(walk, `is nested deeper than ${MAX_DEPTH} levels`, `[deeper than ${MAX_DEPTH} levels]`);
  }
  walk.ancestors.push(whole);
  const plain = Array.isArray(whole) ? plainOfItems(whole, walk) : plainOfRecord(whole, walk);
  walk.ancestors.pop();
  return plain;
}

function plainOfItems(items: readonly unknown[], walk: Walk): unknown[] {
  const plain: unknown[] = [];
  // By index, which finds holes, too.
  for (let index = 0; index < items.length && !isOver(walk); index++) {
    walk.trail.push(index);
    plain.push(plainOf(items[index], walk));
    walk.trail.pop();
  }
  return plain;
}

function plainOfRecord(whole: object, walk: Walk): unknown {
  const keys = Object.keys(whole);
  if (keys.length === 0 || Object.getPrototypeOf(whole) !== Object.prototype) {
    if (types.isBoxedPrimitive(whole)) return plainOf(whole.valueOf(), walk);
    const lost = lostForm(whole, keys.length === 0);
    if (lost !== null) return refuse(walk, lost.problem, lost.instead);
  }
  const plain: Record<string, unknown> = {};
  for (const key of keys) {
    if (isOver(walk)) break;
    walk.trail.push(key);
    const part = (whole as Record<string, unknown>)[key];
    if (part !== undefined) putPart(plain, key, plainOf(part, walk), walk);
    walk.trail.pop();
  }
  return plain;
}

function putPart(plain: Record<string, unknown>, key: string, part: unknown, walk: Walk): void {
  const problem = keyProblem(key, part);
  if (problem !== null) refuse(walk, problem, null);
  plain[problem === null ? key : `[${sanitizeText(key)}]`] = part;
}
