import { isZod4, type JsonSchema, type Schema, type Side } from '../schema.ts';
import { closeIntersections } from './intersections.ts';
import { referred } from './keywords.ts';
import { schemaOfV3 } from './v3.ts';
import { schemaOfZod4 } from './zod4.ts';

/**
 * The JSON Schema of the values that a caller may send or, for `output`, of the recorded values. It is for
 * documentation and for readers without the code; the definition's schema validates (specification D1).
 * Objects are closed unless the schema is loose. Shared parts (`.meta({ id })`) and recursive parts are in
 * `$defs`, and are referred to as `#/$defs/KEY`, or `#` for the schema itself. Throws if Zod cannot describe
 * it, for example if two schemas have the same id.
 */
export function toJsonSchema(schema: Schema, io: Side = 'input'): JsonSchema {
  const { $schema: _dialect, ...json } = isZod4(schema) ? schemaOfZod4(schema, io) : schemaOfV3(schema, io);
  return closeIntersections(json);
}

/** Whether a JSON Schema accepts only objects, or does not restrict the type. */
export function describesObject(json: JsonSchema, root: JsonSchema = json, above: unknown[] = []): boolean {
  if (typeof json.$ref === 'string') {
    const target = referred(root, json.$ref);
    return (
      target === undefined || above.includes(target) || describesObject(target, root, [...above, target])
    );
  }
  if (json.type !== undefined) return json.type === 'object';
  if (Array.isArray(json.anyOf))
    return json.anyOf.every((one: JsonSchema) => describesObject(one, root, above));
  if (Array.isArray(json.allOf))
    return json.allOf.some((one: JsonSchema) => describesObject(one, root, above));
  return json.const === undefined && json.enum === undefined && json.not === undefined;
}
