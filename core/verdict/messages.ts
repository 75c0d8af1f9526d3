import { z } from 'zod';
import * as z3 from 'zod/v3';
import { got } from '../json.ts';

/** What JSON calls what Zod expects. */
const TYPES: Record<string, string> = {
  int: 'integer',
  record: 'object',
  tuple: 'array',
  date: 'a date and time like 2026-11-29T12:00:00Z (RFC 3339)',
};

/** What types of values are called, of Zod 4 and of `zod/v3`. */
export function typeName(expected: unknown): string {
  return TYPES[String(expected)] ?? String(expected);
}

function typeMessage(expected: unknown, value: unknown): string {
  return value === undefined ? 'is required' : `must be ${typeName(expected)}${shown(value)}`;
}

/**
 * What is wrong with a value, and what was sent instead: in the words of Zod, but where those speak of what a caller did not
 * send. It is asked only where the definition has no message of its own.
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
  // The details show the property itself. There may be many, and each would show the whole object.
  if (issue.code === 'unrecognized_keys') return words;
  const tag = issue.code === 'invalid_union' ? issue.discriminator : undefined;
  return `${words}${shown(typeof tag === 'string' ? tagOf(input, tag) : input)}`;
}

/** The same. It is asked after the definition, whose word, if it has one, is another than that of the library. */
export const messageOfV3: z3.ZodErrorMap = (issue, { data, defaultError }) => {
  const plain = z3.defaultErrorMap(issue, { data, defaultError: '' }).message;
  if (defaultError !== plain) return { message: defaultError };
  if (issue.code === 'invalid_type') return { message: typeMessage(issue.expected, data) };
  const isOfTag = issue.code === 'invalid_union_discriminator';
  return { message: `${plain}${shown(isOfTag ? tagOf(data, String(issue.path.at(-1))) : data)}` };
};

/** What tells the branches of a union apart, of a value. */
function tagOf(value: unknown, tag: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[tag] : undefined;
}

/** Not what JSON has no text for, as a conversion may give. */
function shown(value: unknown): string {
  return typeof value === 'number' && !Number.isFinite(value) ? '' : got(value);
}
