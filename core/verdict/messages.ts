import { z } from 'zod';
import * as z3 from 'zod/v3';
import { got } from '../json/json.ts';

/** The JSON names of Zod's types. */
const TYPES: Record<string, string> = {
  int: 'integer',
  record: 'object',
  tuple: 'array',
  date: 'a date and time like 2026-11-29T12:00:00Z (RFC 3339)',
};

/** The names of types, for Zod 4 and `zod/v3`. */
export function typeName(expected: unknown): string {
  return TYPES[String(expected)] ?? String(expected);
}

function typeMessage(expected: unknown, value: unknown): string {
  return value === undefined ? 'is required' : `must be ${typeName(expected)}${shown(value)}`;
}

/**
 * The problem of a value, with the value itself. The text is Zod's, except where Zod's words do not fit what
 * a caller sent. It is used only if the definition has no message.
 */
export function messageOf(issue: z.core.$ZodRawIssue): string {
  const { input } = issue;
  if (issue.code === 'invalid_type') return typeMessage(issue.expected, input);
  if ((issue.code === 'too_small' || issue.code === 'too_big') && issue.origin === 'date') {
    const [words, bound] = issue.code === 'too_small' ? ['before', issue.minimum] : ['after', issue.maximum];
    return `must not be ${words} ${new Date(Number(bound)).toISOString()}${shown(input)}`;
  }
  const said = z.config().localeError?.(issue);
  const words = (typeof said === 'string' ? said : said?.message) ?? 'Invalid input';
  // The details show each unknown property itself. Otherwise each of many details would show the entire
  // object.
  if (issue.code === 'unrecognized_keys') return words;
  const tag = issue.code === 'invalid_union' ? issue.discriminator : undefined;
  return `${words}${shown(typeof tag === 'string' ? tagOf(input, tag) : input)}`;
}

/**
 * The same for `zod/v3`. It is called after the definition's own message, which is recognised because it
 * differs from the library's message.
 */
export const messageOfV3: z3.ZodErrorMap = (issue, { data, defaultError }) => {
  const plain = z3.defaultErrorMap(issue, { data, defaultError: '' }).message;
  if (defaultError !== plain) return { message: defaultError };
  if (issue.code === 'invalid_type') return { message: typeMessage(issue.expected, data) };
  const isOfTag = issue.code === 'invalid_union_discriminator';
  return { message: `${plain}${shown(isOfTag ? tagOf(data, String(issue.path.at(-1))) : data)}` };
};

/** The value of the discriminator of a union. */
function tagOf(value: unknown, tag: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[tag] : undefined;
}

/** Values that JSON cannot represent, such as the NaN of a failed conversion, are not shown. */
function shown(value: unknown): string {
  return typeof value === 'number' && !Number.isFinite(value) ? '' : got(value);
}
