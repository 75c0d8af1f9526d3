import type { JsonSchema } from '../schema.ts';
import { isPlainPattern, sayInWords } from './keywords.ts';

/** A rule for text: a format with its expression, or an expression alone. */
export type TextRule = {
  format: string;
  pattern?: RegExp | undefined;
  /** The expression is not what decides. */
  isInexact?: boolean;
};

/**
 * The formats of JSON Schema that take all that Zod takes, by Zod's names. Of others validators refuse more: `uri` takes no
 * `ä`, `date-time` needs seconds, `duration` and `email` know other texts (ajv-formats 3).
 */
const FORMATS: Record<string, string> = { uuid: 'uuid', guid: 'uuid', ipv4: 'ipv4', date: 'date' };

/** Zod decides about these by code; their expressions are only for others. */
const DECIDED_BY_CODE = new Set(['url', 'ipv6', 'cidrv6', 'base64', 'base64url', 'jwt', 'json_string']);

/** Has rules for text described by `format` and `pattern` as far as these refuse nothing else, and in words where not. */
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
