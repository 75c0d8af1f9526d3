import { textProblem } from './json/json.ts';

/** The maximum number of conditions on the payload in one filter. */
export const MAX_PAYLOAD_CONDITIONS = 3;
/** The maximum length of one condition, in characters. */
export const PAYLOAD_CONDITION_MAX_LENGTH = 300;

/** A condition on a payload: the value at `path` is equal to one of `values`. */
export type PayloadCondition = { path: string[]; values: (string | number | boolean | null)[] };

/** The form of a condition: a JSON Pointer that is not empty, `=`, and a value. */
export const PAYLOAD_CONDITION_PATTERN = '^(/([^~/=]|~[01])*)+=';

/**
 * Reads a condition such as `/invoice/id=42`: a JSON Pointer (RFC 6901) and a value. A value in quotes
 * is the text of this JSON string. Any other value is a text, and also the number, boolean or null that
 * it spells, because a person who searches rarely knows which of them the payload has. A key with `=`
 * cannot be named. Gives the problem as a text that continues a sentence.
 */
export function payloadCondition(text: string): PayloadCondition | string {
  const form = new RegExp(PAYLOAD_CONDITION_PATTERN, 'u').exec(text);
  if (form === null) return 'must be a JSON Pointer, = and a value, such as /invoice/id=42';
  const path = pointerParts(form[0].slice(0, -1));
  const value = text.slice(form[0].length);
  const values = valuesOf(value);
  if (values === null) return 'must have a JSON string after = if the value begins with a quote';
  const texts = [...path, ...values.filter((one) => typeof one === 'string')];
  return texts.map(textProblem).find((problem) => problem !== null) ?? { path, values };
}

/** The keys that a JSON Pointer names; none for the empty pointer. */
export function pointerParts(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valuesOf(text: string): PayloadCondition['values'] | null {
  const parsed = scalarOf(text);
  if (text.startsWith('"')) return typeof parsed === 'string' ? [parsed] : null;
  return parsed === undefined || typeof parsed === 'string' ? [text] : [text, parsed];
}

/** The JSON string, number, boolean or null that a text spells. Undefined for everything else. */
function scalarOf(text: string): string | number | boolean | null | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  return undefined;
}
