import * as z3 from 'zod/v3';

type V3 = z3.ZodTypeAny;
type Known = z3.ZodFirstPartySchemaTypes;

const { ZodFirstPartyTypeKind: Kind } = z3;

/** The same as `Beside` for `zod/v3`: the other sides of an intersection, which validate the same value. */
export type BesideV3 = readonly V3[];

/** The schemas without wrappers, and each alternative separately. */
function alternativesOf(schemas: BesideV3, seen = new Set<V3>()): Known[] {
  return schemas.flatMap((schema) => {
    if (seen.has(schema)) return [];
    seen.add(schema);
    const inner = unwrapped(schema as Known);
    return inner === null ? [schema as Known] : alternativesOf(inner, seen);
  });
}

/** The schemas inside a wrapper; null for a schema that validates the value itself. */
function unwrapped({ _def: def }: Known): BesideV3 | null {
  switch (def.typeName) {
    case Kind.ZodUnion:
    case Kind.ZodDiscriminatedUnion:
      return [...def.options];
    case Kind.ZodIntersection:
      return [def.left, def.right];
    case Kind.ZodLazy:
      return [def.getter()];
    case Kind.ZodEffects:
      return [def.schema];
    case Kind.ZodPipeline:
      return [def.in];
    case Kind.ZodOptional:
    case Kind.ZodNullable:
    case Kind.ZodReadonly:
    case Kind.ZodDefault:
    case Kind.ZodCatch:
      return [def.innerType];
    case Kind.ZodBranded:
      return [def.type];
    default:
      return null;
  }
}

/** The properties that the other sides do not know either. A record refuses invalid keys itself. */
export function unknownBeside(keys: readonly string[], beside: BesideV3): string[] {
  const all = alternativesOf(beside);
  return keys.filter((key) => !all.some((one) => knows(one, key)));
}

function knows({ _def: def }: Known, key: string): boolean {
  if (def.typeName === Kind.ZodObject) return Object.hasOwn(def.shape(), key) || isOpenV3(def);
  return [Kind.ZodRecord, Kind.ZodAny, Kind.ZodUnknown].includes(def.typeName);
}

/** Whether an object accepts and keeps properties that it does not list. */
export function isOpenV3({ unknownKeys, catchall }: z3.ZodObjectDef): boolean {
  return unknownKeys === 'passthrough' || (catchall as Known)._def.typeName !== Kind.ZodNever;
}

/** The schemas of the other sides for a property. */
export function propertyBeside(key: string, beside: BesideV3): BesideV3 {
  return alternativesOf(beside).flatMap((one): V3[] => {
    const def = one._def;
    if (def.typeName === Kind.ZodAny || def.typeName === Kind.ZodUnknown) return [one];
    if (def.typeName === Kind.ZodRecord) return [def.valueType];
    if (def.typeName !== Kind.ZodObject) return [];
    const shape = def.shape() as Record<string, V3>;
    const own = Object.hasOwn(shape, key) ? shape[key] : def.catchall;
    return own === undefined ? [] : [own];
  });
}

/** The schemas of the other sides for the items of a list. */
export function itemBeside(beside: BesideV3): BesideV3 {
  return alternativesOf(beside).flatMap(({ _def: def }) =>
    def.typeName === Kind.ZodArray ? [def.type] : [],
  );
}
