import type { Parsed, SchemaOutput } from './schema.ts';
import type { TaskDefinition } from './task.ts';

type MaybePromise<T> = T | Promise<T>;

/**
 * The verdict about a payload, wherever it came from (HTTP, SQL, a client, a webhook, an older record): what the handler
 * gets, or everything that is wrong with it (specification D1). `path` is the JSON Pointer of the payload. It waits only for
 * asynchronous code of the definition, and never throws.
 */
export function parsePayload<D extends TaskDefinition>(
  definition: D,
  payload: unknown,
  path: string,
): MaybePromise<Parsed<SchemaOutput<D['payload']>>> {
  return definition.judges.payload(payload, path) as MaybePromise<Parsed<SchemaOutput<D['payload']>>>;
}

/** The same about what a handler gave; anything is fine without a result schema. */
export function parseResult(definition: TaskDefinition, result: unknown, path: string): MaybePromise<Parsed> {
  return definition.judges.result?.(result, path) ?? { ok: true, value: result };
}

/** The same about JSON that stands for what a handler gave, with text for dates. */
export function parseResultJson(
  definition: TaskDefinition,
  result: unknown,
  path: string,
): MaybePromise<Parsed> {
  return definition.judges.resultJson?.(result, path) ?? { ok: true, value: result };
}
