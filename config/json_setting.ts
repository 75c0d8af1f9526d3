import type { z } from 'zod';

/** A variable whose value is JSON: its name, what is accepted, and a text like it for whoever got it wrong. */
export type JsonSetting<T> = { variable: string; schema: z.ZodType<T>; like: string };

/** Reads such a value. Throws an Error with everything that is wrong, and nothing that is secret. */
export function readJsonSetting<T>(setting: JsonSetting<T>, text: string): T {
  const parsed = setting.schema.safeParse(parseJson(setting, text));
  if (parsed.success) return parsed.data;
  throw unusable(
    setting,
    parsed.error.issues.map(({ path, message }) => `${placeOf(path)}: ${message}`),
  );
}

/** The error that lists what is wrong with such a value. */
export function unusable({ variable, like }: JsonSetting<unknown>, problems: string[]): Error {
  return new Error(
    `${variable} can't be used; it must be like ${like}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
}

function parseJson(setting: JsonSetting<unknown>, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says quotes the text.
    throw unusable(setting, ['it is no JSON']);
  }
}

/** `[0].namespaces[1]`, or `it` for the whole. */
function placeOf(path: PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') || 'it';
}
