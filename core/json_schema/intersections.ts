import type { JsonSchema } from '../schema.ts';
import { referred } from './keywords.ts';

/**
 * `additionalProperties: false` in a part of `allOf` sees only the properties of that part, so closed parts
 * would refuse each other's properties. Here the parts are opened, and `unevaluatedProperties: false` closes
 * the intersection if all its parts were closed.
 */
export function closeIntersections(root: JsonSchema): JsonSchema {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const json = Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, visit(part)]),
    ) as JsonSchema;
    return Array.isArray(json.allOf) ? closed(json, root, []) : json;
  };
  return visit(root) as JsonSchema;
}

/**
 * `above` are the intersections around this one. If one contains itself, as with two recursive schemas, the
 * inner one is described as any value.
 */
function closed(json: JsonSchema, root: JsonSchema, above: readonly string[]): JsonSchema {
  const known = JSON.stringify(json.allOf);
  if (above.includes(known)) return {};
  // If one side has a property `toString`, Zod 4.6 also finds it on the other side, because every object
  // inherits it, and writes null there.
  const given = (json.allOf as (JsonSchema | null)[]).filter((part) => part !== null);
  const parts = given.map((part) => opened(part, root, []));
  const { allOf, ...shared } = together(
    parts.map(({ schema }) => schema),
    root,
    [...above, known],
  );
  Object.assign(json, shared);
  if (!parts.every(({ wasClosed }) => wasClosed)) return { ...json, allOf };
  return { ...json, allOf, unevaluatedProperties: false };
}

/**
 * If several parts have a property, all of them validate it. So closed objects in it are an intersection too,
 * and so are items.
 */
function together(
  parts: JsonSchema[],
  root: JsonSchema,
  above: readonly string[],
): JsonSchema & { allOf: JsonSchema[] } {
  const listed = parts.flatMap(({ properties }) => Object.entries((properties ?? {}) as JsonSchema));
  const byKey = Map.groupBy(listed, ([key]) => key);
  const several = [...byKey].filter(([, all]) => all.length > 1);
  const properties = several.map(([key, all]) => [key, allOf(all.map(([, one]) => one))]);
  const items = parts.flatMap((part) => (isList(part) ? [part.items] : []));
  return {
    ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
    ...(items.length > 1 ? { items: allOf(items) } : {}),
    allOf: parts.map((part) => {
      const { items: _items, ...rest } = part;
      const kept = items.length > 1 && isList(part) ? rest : { ...part };
      if (several.length === 0 || part.properties === undefined) return kept;
      const own = Object.entries(part.properties as JsonSchema).filter(
        ([key]) => byKey.get(key)?.length === 1,
      );
      return { ...kept, properties: Object.fromEntries(own) };
    }),
  };
  function allOf(schemas: unknown[]): JsonSchema {
    return closed({ allOf: schemas as JsonSchema[] }, root, above);
  }
}

function isList({ items, prefixItems }: JsonSchema): boolean {
  return typeof items === 'object' && prefixItems === undefined;
}

type Opened = { schema: JsonSchema; wasClosed: boolean };

/**
 * A part without its own rule for other properties. References are resolved, because the referenced schema is
 * closed elsewhere.
 */
function opened(part: JsonSchema, root: JsonSchema, above: string[]): Opened {
  const { $ref, ...beside } = part;
  if (typeof $ref === 'string') {
    const target = above.includes($ref) ? undefined : referred(root, $ref);
    if (target === undefined) return { schema: beside, wasClosed: false };
    const { $defs: _defs, ...schema } = target;
    return opened({ ...schema, ...beside }, root, [...above, $ref]);
  }
  const { additionalProperties, unevaluatedProperties, ...rest } = part;
  const isClosed = additionalProperties === false || unevaluatedProperties === false;
  for (const key of ['anyOf', 'allOf']) {
    const branches = rest[key];
    if (!Array.isArray(branches)) continue;
    const each = branches.map((one: JsonSchema) => opened(one, root, above));
    return {
      schema: { ...rest, [key]: each.map(({ schema }) => schema) },
      wasClosed: isClosed || each.every(({ wasClosed }) => wasClosed),
    };
  }
  return isClosed ? { schema: rest, wasClosed: true } : { schema: part, wasClosed: false };
}
