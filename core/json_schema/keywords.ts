import { isDeepStrictEqual } from 'node:util';
import { valueAt } from '../json/json.ts';
import type { JsonSchema } from '../schema.ts';

/**
 * The published JSON Schema is for documentation, and must never refuse a value that the definition's schema
 * accepts (specification D1). So keywords that validators interpret differently from Zod are left out, and
 * described in words instead.
 */

/** Keywords that describe a value but refuse none. */
const ANNOTATIONS = new Set(['title', 'description', 'examples', 'deprecated', 'default', '$comment']);

/** The JSON form of a date. A coerced date also accepts, for example, a day or milliseconds since 1970. */
export function dateSchema(isCoerced: boolean): JsonSchema {
  const text = { type: 'string', format: 'date-time' };
  return isCoerced ? { anyOf: [text, { type: ['string', 'number', 'boolean', 'null'] }] } : text;
}

/** The part that a reference such as `#` or `#/$defs/KEY` names; undefined if it does not exist. */
export function referred(root: JsonSchema, ref: string): JsonSchema | undefined {
  const part = valueAt(root, ref.slice(1));
  return typeof part === 'object' && part !== null ? (part as JsonSchema) : undefined;
}

/** Removes everything but annotations, so that any value is accepted. */
export function widen(json: JsonSchema): void {
  for (const key of Object.keys(json)) if (!ANNOTATIONS.has(key)) delete json[key];
}

/** Describes something in words, unless the definition has its own description. */
export function sayInWords(json: JsonSchema, words: readonly string[]): void {
  if (words.length > 0) json.description ??= words.join('; ');
}

/**
 * Whether an expression means the same as `pattern` of JSON Schema, which has no flags and is compiled with
 * `u`, for example by Ajv. An expression that is valid without `u` may be invalid with it.
 */
export function isPlainPattern({ source, flags }: RegExp): boolean {
  if (/[imsyv]/.test(flags)) return false;
  if (!flags.includes('u') && countsUnits(source)) return false;
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

const TOKENS = /\\.|\[(?:\\.|[^\]\\])*\]|\{\d+,?\d*\}|\(\?[:=]|./gs;
const TAKES_MOST = /^(?:\.|\\[DSW]|\[\^.*\]|\[.*\\[DSW].*\])$/s;

/**
 * Without the flag `u`, an emoji counts as two characters. Gives whether an expression without `u` may match
 * two characters where the same one with `u` sees only one: it asks for several arbitrary characters in a
 * row.
 */
function countsUnits(source: string): boolean {
  if (/[\ud800-\udfff]/.test(source)) return true;
  const tokens = source.match(TOKENS) ?? [];
  return tokens.some((token, index) => {
    if (!TAKES_MOST.test(token)) return false;
    const [next, ...others] = tokens.slice(index + 1).filter((one) => !/^(?:[()?+*]|\(\?.)$/.test(one));
    const times = Number(/^\{(\d+)/.exec(next ?? '')?.[1] ?? 1);
    return times > 1 || TAKES_MOST.test((times === 1 && next?.startsWith('{') ? others[0] : next) ?? '');
  });
}

const BOUNDS = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems'],
];

/** Removes bounds that are not JSON numbers. */
export function dropInfinite(json: JsonSchema): void {
  for (const bound of BOUNDS)
    if (json[bound] !== undefined && !Number.isFinite(json[bound])) delete json[bound];
}

/** Whether a default stays the same through JSON. A date becomes text. */
export function isHeldByJson(value: unknown): boolean {
  try {
    return value instanceof Date || isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}

/**
 * Keeps a single divisor if it is an integer. Otherwise validators and Zod differ: for validators, 4.35 is
 * not a multiple of 0.01, because they divide doubles (Ajv 8); for Zod it is.
 */
export function describeDivisors(json: JsonSchema, divisors: readonly number[]): void {
  delete json.multipleOf;
  delete json.allOf;
  const [only, ...others] = divisors.map(Math.abs);
  if (only === undefined) return;
  if (others.length === 0 && Number.isInteger(only) && only > 0) json.multipleOf = only;
  else sayInWords(json, [`a multiple of ${divisors.join(' and of ')}`]);
}
