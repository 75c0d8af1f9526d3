import { PermanentError } from './errors.ts';
import { type Lossless, losslessJson } from './json/lossless.ts';
import type { Parsed, SchemaOutput } from './schema.ts';
import type { TaskDefinition } from './task.ts';

type MaybePromise<T> = T | Promise<T>;

/**
 * Validates a payload from any source (HTTP, SQL, a client, a webhook, an older record). Gives the value for
 * the handler, or every problem (specification D1). `path` is the JSON Pointer of the payload. It is a
 * promise only if the definition has asynchronous code. Never throws.
 */
export function parsePayload<D extends TaskDefinition>(
  definition: D,
  payload: unknown,
  path: string,
  most?: number,
): MaybePromise<Parsed<SchemaOutput<D['payload']>>> {
  return definition.judges.payload(payload, path, most) as MaybePromise<Parsed<SchemaOutput<D['payload']>>>;
}

/** Validates the result of a handler. Without a result schema, every value is valid. */
export function parseResult(definition: TaskDefinition, result: unknown, path: string): MaybePromise<Parsed> {
  return definition.judges.result?.(result, path) ?? { ok: true, value: result };
}

/** Validates JSON that replaces the result of a handler, with text for dates. */
export function parseResultJson(
  definition: TaskDefinition,
  result: unknown,
  path: string,
): MaybePromise<Parsed> {
  return definition.judges.resultJson?.(result, path) ?? { ok: true, value: result };
}

/** The parts of a task that decide whether a definition can execute it. */
export type Versioned = { version: string; payload: unknown };

/**
 * Validates the payload of a task of any version (specification D6). A payload of an older version is upcast
 * if the definition can do that; otherwise it is validated as it is. Rejects with a PermanentError,
 * UPCAST_FAILED, if the upcast throws.
 */
export function parseTaskPayload<D extends TaskDefinition>(
  definition: D,
  task: Versioned,
  path: string,
  most?: number,
): MaybePromise<Parsed<SchemaOutput<D['payload']>>> {
  if (task.version === definition.version || !definition.upcasts.has(task.version))
    return parsePayload(definition, task.payload, path, most);
  return upcastPayload(definition, task, path).then((made) =>
    made.ok ? parsePayload(definition, made.value, path, most) : made,
  );
}

/** The same, but an upcast that throws counts as a problem of the payload. Never throws. */
export async function judgeTaskPayload<D extends TaskDefinition>(
  definition: D,
  task: Versioned,
  path: string,
  most?: number,
): Promise<Parsed<SchemaOutput<D['payload']>>> {
  try {
    return await parseTaskPayload(definition, task, path, most);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    return { ok: false, details: [{ path, message: error.message }] };
  }
}

/** Runs the upcast. Gives JSON, which is the form in which a payload of the newest version would arrive. */
async function upcastPayload(
  { name, version, upcasts }: TaskDefinition,
  task: Versioned,
  path: string,
): Promise<Lossless> {
  try {
    const made = await upcasts.get(task.version)?.(structuredClone(task.payload));
    return losslessJson(made, path);
  } catch (cause) {
    const failure = new PermanentError(
      `The upcast of ${name} from version ${task.version} to ${version} failed: ${String(cause)}`,
      { code: 'UPCAST_FAILED', cause },
    );
    if (cause instanceof Error && cause.stack !== undefined) failure.stack = cause.stack;
    throw failure;
  }
}

/** The subject of the message that a payload does not fit. */
export function payloadInWords({ name, version, upcasts }: TaskDefinition, task: Versioned): string {
  const what = upcasts.has(task.version)
    ? `The payload, after the upcast from version ${task.version},`
    : task.version === version
      ? 'The payload'
      : `The payload of version ${task.version}`;
  return `${what} does not fit ${name} ${version}`;
}
