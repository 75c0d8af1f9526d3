import { PermanentError } from './errors.ts';
import { type Lossless, losslessJson } from './lossless.ts';
import { parsePayload } from './payload.ts';
import type { Parsed, SchemaOutput } from './schema.ts';
import type { TaskDefinition } from './task.ts';

type MaybePromise<T> = T | Promise<T>;

/** What of a task decides whether a definition can execute it. */
export type Versioned = { version: string; payload: unknown };

/** Whether a submission may name this version: the definition's own, or one that it has an upcast for. */
export function takesVersion({ version, upcasts }: TaskDefinition, asked: string): boolean {
  return asked === version || upcasts.has(asked);
}

/**
 * The verdict about the payload of a task of any version (specification D6): that of an older one is upcast, if the definition
 * can do that, and judged as it is if not. Rejects with a PermanentError, UPCAST_FAILED, when the upcast throws.
 */
export function parseTaskPayload<D extends TaskDefinition>(
  definition: D,
  task: Versioned,
  path: string,
): MaybePromise<Parsed<SchemaOutput<D['payload']>>> {
  if (task.version === definition.version || !definition.upcasts.has(task.version))
    return parsePayload(definition, task.payload, path);
  return bringUp(definition, task, path).then((made) =>
    made.ok ? parsePayload(definition, made.value, path) : made,
  );
}

/** The same, and an upcast that throws is a problem of the payload like any other. Never throws. */
export async function judgeTaskPayload<D extends TaskDefinition>(
  definition: D,
  task: Versioned,
  path: string,
): Promise<Parsed<SchemaOutput<D['payload']>>> {
  try {
    return await parseTaskPayload(definition, task, path);
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    return { ok: false, details: [{ path, message: error.message }] };
  }
}

/** As JSON, which is how a payload of the newest version would have arrived. */
async function bringUp(
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

/** What was judged, for a message that it does not fit. */
export function payloadInWords({ name, version, upcasts }: TaskDefinition, task: Versioned): string {
  const what = upcasts.has(task.version)
    ? `What the upcast from version ${task.version} made of the payload`
    : task.version === version
      ? 'The payload'
      : `The payload of version ${task.version}`;
  return `${what} does not fit ${name} ${version}`;
}
