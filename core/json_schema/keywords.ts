import { isDeepStrictEqual } from 'node:util';
import { valueAt } from '../json.ts';
import type { JsonSchema } from '../schema.ts';

/**
 * The published JSON Schema describes, and never refuses what the definition's own schema accepts (specification D1). So a
 * keyword that validators understand otherwise than Zod is left out, and said in words instead.
 */

/** What only tells of a value, and refuses none. */
const ANNOTATIONS = new Set(['title', 'description', 'examples', 'deprecated', 'default', '$comment']);

/** What JSON has for a date. A coerced one is also taken as a day or as milliseconds since 1970, say. */
export function dateSchema(isCoerced: boolean): JsonSchema {
  const text = { type: 'string', format: 'date-time' };
  return isCoerced ? { anyOf: [text, { type: ['string', 'number', 'boolean', 'null'] }] } : text;
}

/** The part that a reference such as `#` or `#/$defs/KEY` leads to; undefined when it leads nowhere. */
export function referred(root: JsonSchema, ref: string): JsonSchema | undefined {
  const part = valueAt(root, ref.slice(1));
  return typeof part === 'object' && part !== null ? (part as JsonSchema) : undefined;
}

/** Leaves nothing but annotations: any value is accepted. */
export function widen(json: JsonSchema): void {
  for (const key of Object.keys(json)) if (!ANNOTATIONS.has(key)) delete json[key];
}

/** Says something in words, unless the definition has words of its own. */
export function sayInWords(json: JsonSchema, words: readonly string[]): void {
  if (words.length > 0) json.description ??= words.join('; ');
}

/**
 * Whether an expression means the same as `pattern` of JSON Schema, which has no flags and is compiled with `u`, by Ajv for
 * one: expressions that are legal without it may not be legal with it.
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
 * Whether an expression without the flag `u`, for which an emoji is two characters, may need two where one with it finds one:
 * it asks for several characters in a row of which each may be any.
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

/** Leaves out bounds that JSON has no number for. */
export function dropInfinite(json: JsonSchema): void {
  for (const bound of BOUNDS)
    if (json[bound] !== undefined && !Number.isFinite(json[bound])) delete json[bound];
}

/** Whether JSON would give a default back as it is. A date is told as text. */
export function isHeldByJson(value: unknown): boolean {
  try {
    return value instanceof Date || isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}

/**
 * Keeps one divisor if it is a whole number. Validators find 4.35 no multiple of 0.01, as doubles divide (Ajv 8), and Zod
 * finds that it is one.
 */
export function describeDivisors(json: JsonSchema, divisors: readonly number[]): void {
  delete json.multipleOf;
  delete json.allOf;
  const [only, ...others] = divisors.map(Math.abs);
  if (only === undefined) return;
  if (others.length === 0 && Number.isInteger(only) && only > 0) json.multipleOf = only;
  else sayInWords(json, [`a multiple of ${divisors.join(' and of ')}`]);
}
