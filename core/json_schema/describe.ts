import { isZod4, type JsonSchema, type Schema, type Side } from '../schema.ts';
import { closeIntersections } from './intersections.ts';
import { referred } from './keywords.ts';
import { schemaOfV3 } from './v3.ts';
import { schemaOfZod4 } from './zod4.ts';

/**
 * The JSON Schema of what a caller may send or, for `output`, of what is recorded. It describes, for documents and for
 * those who have not the code; the definition's own schema judges (specification D1). Objects are closed, unless the schema is
 * loose. Shared parts (`.meta({ id })`) and recursive ones are in its `$defs`; it refers to them as `#/$defs/KEY`, and to itself as
 * `#`. Throws for what Zod can't describe: two schemas of one id, say.
 */
export function toJsonSchema(schema: Schema, io: Side = 'input'): JsonSchema {
  const { $schema: _dialect, ...json } = isZod4(schema) ? schemaOfZod4(schema, io) : schemaOfV3(schema, io);
  return closeIntersections(json);
}

/** Whether a JSON Schema takes objects and nothing else, or says nothing about the type. */
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
