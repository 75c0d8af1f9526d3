import type { z } from 'zod';

/** A variable with a JSON value: its name, its schema, and an example for error messages. */
export type JsonSetting<T> = { variable: string; schema: z.ZodType<T>; like: string };

/** Reads such a value. Throws an Error with every problem but without secrets. */
export function readJsonSetting<T>(setting: JsonSetting<T>, text: string): T {
  const parsed = setting.schema.safeParse(parseJson(setting, text));
  if (parsed.success) return parsed.data;
  throw unusable(
    setting,
    parsed.error.issues.map(({ path, message }) => `${placeOf(path)}: ${message}`),
  );
}

/** The error with the problems of such a value. */
export function unusable({ variable, like }: JsonSetting<unknown>, problems: string[]): Error {
  return new Error(
    `${variable} is not valid. It must be like ${like}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
}

function parseJson(setting: JsonSetting<unknown>, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the text, which may be secret.
    throw unusable(setting, ['it is not JSON']);
  }
}

/** `[0].namespaces[1]`, or `it` for the root. */
function placeOf(path: PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') || 'it';
}
