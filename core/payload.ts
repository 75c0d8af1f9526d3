import { type Checker, checker } from './check.ts';
import { detail, got, valueAt } from './json.ts';
import { type Parsed, parseWith, type SchemaOutput } from './schema.ts';
import type { TaskDefinition } from './task.ts';

const checkers = new WeakMap<TaskDefinition, Checker>();

/**
 * Parses the payload of a task, wherever it came from (HTTP, SQL, an older version of the definition): against its
 * JSON Schema, which closes objects, and, when that holds, with the definition's own schema, which has the
 * refinements, the defaults and the transforms. Gives the value, or everything that is wrong with it; `path` is
 * the JSON Pointer of the payload.
 */
export async function parsePayload<D extends TaskDefinition>(
  definition: D,
  payload: unknown,
  path: string,
): Promise<Parsed<SchemaOutput<D['payload']>>> {
  let check = checkers.get(definition);
  if (check === undefined) {
    check = checker(definition.payloadJsonSchema);
    checkers.set(definition, check);
  }
  const problems = check(payload, path);
  if (problems.length > 0) return { ok: false, details: problems };
  const parsed = await parseWith(definition.payload, payload, '');
  if (parsed.ok) return parsed as Parsed<SchemaOutput<D['payload']>>;
  const details = parsed.details.map((one) =>
    detail(`${path}${one.path}`, `${one.message}${got(valueAt(payload, one.path))}`),
  );
  return { ok: false, details };
}
