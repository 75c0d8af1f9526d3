import type { JsonSchema } from '../schema.ts';
import { isPlainPattern, sayInWords } from './keywords.ts';

/** A rule for text: a format with its expression, or only an expression. */
export type TextRule = {
  format: string;
  pattern?: RegExp | undefined;
  /** The expression does not decide alone. */
  isInexact?: boolean;
};

/**
 * The formats of JSON Schema that accept everything that Zod accepts, by Zod's names. For other formats,
 * validators are stricter: `uri` refuses `ä`, `date-time` requires seconds, `duration` and `email` accept
 * other texts (ajv-formats 3).
 */
const FORMATS: Record<string, string> = { uuid: 'uuid', guid: 'uuid', ipv4: 'ipv4', date: 'date' };

/** Zod validates these formats by code; their expressions are only approximations. */
const DECIDED_BY_CODE = new Set(['url', 'ipv6', 'cidrv6', 'base64', 'base64url', 'jwt', 'json_string']);

/**
 * Describes rules for text by `format` and `pattern` where these refuse nothing else, and otherwise in words.
 */
export function describeText(json: JsonSchema, rules: readonly TextRule[]): void {
  delete json.format;
  delete json.pattern;
  delete json.allOf;
  const patterns: string[] = [];
  const words: string[] = [];
  for (const { format, pattern, isInexact } of rules) {
    const isExact = pattern !== undefined && isInexact !== true && !DECIDED_BY_CODE.has(format);
    if (isExact && isPlainPattern(pattern)) patterns.push(pattern.source);
    else if (isExact) words.push(`matches ${pattern}`);
    if (FORMATS[format] !== undefined) json.format = FORMATS[format];
    else if (!RULES_WITHOUT_NAME.has(format)) words.push(format);
  }
  const [only, ...others] = patterns;
  if (others.length > 0) json.allOf = patterns.map((pattern) => ({ pattern }));
  else if (only !== undefined) json.pattern = only;
  sayInWords(json, words);
}

const RULES_WITHOUT_NAME = new Set(['regex', 'starts_with', 'ends_with', 'includes']);
