import { types } from 'node:util';
import { type Detail, MAX_DETAILS } from '../errors.ts';
import { detail, keyProblem, pointerPart, sanitizeText, textProblem } from './json.ts';
import { MAX_DEPTH } from './json_text.ts';
import { lostForm, shown } from './lossless_forms.ts';
import { readOr } from './read_or.ts';

/** The JSON form of a value, or everything that JSON would lose or change. */
export type Lossless = { ok: true; value: unknown } | { ok: false; details: Detail[] };

/** Each part takes at least two characters of JSON, and a result or a request has at most 10 MB. */
const MAX_PARTS = 5 * 1024 * 1024;
/** A much lower limit for values that are only shown. */
const MAX_SHOWN_PARTS = 100_000;

/** The path to the current part, and the problems so far. */
type Walk = {
  readonly path: string;
  readonly trail: (string | number)[];
  readonly ancestors: object[];
  readonly details: Detail[];
  readonly maxParts: number;
  parts: number;
};

/**
 * Copies a JavaScript value into the JSON value that JSON.stringify would make, if nothing is lost or
 * changed. Otherwise gives up to 100 problems, each with a remedy. `path` is the JSON Pointer of the value.
 *
 * Allowed are undefined properties (left out), dates (ISO 8601 text), objects with a `toJSON` (its result is
 * checked), boxed primitives, and instances with data properties. Not checked are symbol keys, named
 * properties of arrays, and private data of instances. Values that Postgres cannot store are refused too (see
 * `storageProblems`).
 */
export function losslessJson(value: unknown, path: string): Lossless {
  const walk = startWalk(path, MAX_PARTS);
  const plain = plainOf(value, walk);
  if (walk.parts > MAX_PARTS) {
    walk.details.push(
      detail(path, `has more than ${MAX_PARTS} parts: store it elsewhere and return a reference`),
    );
  }
  return walk.details.length === 0 ? { ok: true, value: plain } : { ok: false, details: walk.details };
}

/**
 * The same for values that must be recorded in any case (metadata of errors, fields of log lines). A part
 * that JSON would lose is replaced by a text that names it, such as "[Map]" or "NaN".
 */
export function shownJson(value: unknown): unknown {
  const walk = startWalk('', MAX_SHOWN_PARTS);
  const plain = plainOf(value, walk);
  return isOver(walk) ? '[too many parts, or too many that are not JSON]' : plain;
}

function startWalk(path: string, maxParts: number): Walk {
  return { path, trail: [], ancestors: [], details: [], maxParts, parts: 0 };
}

function isOver({ details, maxParts, parts }: Walk): boolean {
  return details.length >= MAX_DETAILS || parts > maxParts;
}

/** Records a problem of the current part, and gives its replacement. */
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
      // Adding 0 turns -0, which JSON does not have, into 0.
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
        `is a ${typeof value}, which JSON leaves out: return a value that JSON has`,
        `[a ${typeof value}]`,
      );
  }
}

function becomesNull(what: string): string {
  return `is ${what}, which JSON turns into null: return null or a text instead`;
}

/** If a program defines BigInt.prototype.toJSON, its result is used. */
function plainOfBigInt(value: bigint, walk: Walk): unknown {
  if (hasToJson(value)) return plainOfObject(Object(value) as object, walk);
  const digits = String(value);
  return refuse(
    walk,
    `is the bigint ${shown(digits)}, which JSON cannot represent: return a text instead`,
    digits,
  );
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
    return refuse(walk, 'has a toJSON that returns undefined: return undefined instead', '[undefined]');
  } catch (error) {
    // A getter, a toJSON or a proxy has thrown. Reading the thrown value may throw again.
    const why = readOr(
      () => (error instanceof Error ? String(error.message) : typeof error),
      'an unreadable error',
    );
    const instead = refuse(walk, `throws when it is read: ${shown(why)}`, '[throws when it is read]');
    walk.trail.length = depth;
    walk.ancestors.length = above;
    return instead;
  }
}

/** For values without `toJSON`, and for results of `toJSON`. */
function plainOfParts(container: object, walk: Walk): unknown {
  if (walk.ancestors.includes(container)) {
    return refuse(
      walk,
      'refers to an object that contains it, which JSON cannot represent: return an id instead',
      '[circular]',
    );
  }
  if (walk.trail.length >= MAX_DEPTH) {
    return refuse(walk, `is nested deeper than ${MAX_DEPTH} levels`, `[deeper than ${MAX_DEPTH} levels]`);
  }
  walk.ancestors.push(container);
  const plain = Array.isArray(container) ? plainOfItems(container, walk) : plainOfRecord(container, walk);
  walk.ancestors.pop();
  return plain;
}

function plainOfItems(items: readonly unknown[], walk: Walk): unknown[] {
  const plain: unknown[] = [];
  // By index, so that holes are found too.
  for (let index = 0; index < items.length && !isOver(walk); index++) {
    walk.trail.push(index);
    plain.push(plainOf(items[index], walk));
    walk.trail.pop();
  }
  return plain;
}

function plainOfRecord(container: object, walk: Walk): unknown {
  const keys = Object.keys(container);
  if (keys.length === 0 || Object.getPrototypeOf(container) !== Object.prototype) {
    if (types.isBoxedPrimitive(container)) return plainOf(container.valueOf(), walk);
    const lost = lostForm(container, keys.length === 0);
    if (lost !== null) return refuse(walk, lost.problem, lost.instead);
  }
  const plain: Record<string, unknown> = {};
  for (const key of keys) {
    if (isOver(walk)) break;
    walk.trail.push(key);
    const part = (container as Record<string, unknown>)[key];
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
