import type { Schema } from '../../../core/schema.ts';

export type ZodVerdict = { ok: true; value: unknown } | { ok: false };

/**
 * What Zod alone says to a payload that arrived as JSON. Where the schema's own code throws, which Zod passes on, the
 * payload counts as refused.
 */
export async function zodVerdict(schema: Schema, payload: unknown): Promise<ZodVerdict> {
  try {
    const { success, data } = await schema.safeParseAsync(arrived(payload));
    return success ? { ok: true, value: data } : { ok: false };
  } catch {
    return { ok: false };
  }
}

/**
 * Where Zod finds something wrong with a payload, as JSON Pointers, each once: unknown properties at their own place. Null
 * when the schema's own code throws, which ends the parse.
 */
export async function issuePaths(schema: Schema, payload: unknown): Promise<string[] | null> {
  try {
    const { error } = await schema.safeParseAsync(arrived(payload));
    const paths = (error?.issues ?? []).flatMap((issue) => {
      const path = issue.path.map(String);
      return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    });
    return [...new Set(paths.map(pointerOf))].toSorted();
  } catch {
    return null;
  }
}

function pointerOf(path: string[]): string {
  return path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A payload after its way as JSON: nothing of what was sent is in it. */
export function arrived(payload: unknown): unknown {
  return JSON.parse(JSON.stringify(payload));
}
