import * as z3 from 'zod/v3';

type V3 = z3.ZodTypeAny;
type Known = z3.ZodFirstPartySchemaTypes;

const { ZodFirstPartyTypeKind: Kind } = z3;

/** The same as in `beside.ts` for `zod/v3`: the other sides of an intersection, which judge the same value. */
export type BesideV3 = readonly V3[];

/** The same schemas without what only wraps them, each alternative by itself. */
function alternativesOf(schemas: BesideV3, seen = new Set<V3>()): Known[] {
  return schemas.flatMap((schema) => {
    if (seen.has(schema)) return [];
    seen.add(schema);
    const inner = unwrapped(schema as Known);
    return inner === null ? [schema as Known] : alternativesOf(inner, seen);
  });
}

/** What judges in the place of a schema that only wraps it; null for one that judges by itself. */
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

/** Which of these properties is unknown beside, too. A record itself refuses the keys that it does not take. */
export function unknownBeside(keys: readonly string[], beside: BesideV3): string[] {
  const all = alternativesOf(beside);
  return keys.filter((key) => !all.some((one) => knows(one, key)));
}

function knows({ _def: def }: Known, key: string): boolean {
  if (def.typeName === Kind.ZodObject) return Object.hasOwn(def.shape(), key) || isOpenV3(def);
  return [Kind.ZodRecord, Kind.ZodAny, Kind.ZodUnknown].includes(def.typeName);
}

/** Whether an object takes properties that it does not list, and keeps them. */
export function isOpenV3({ unknownKeys, catchall }: z3.ZodObjectDef): boolean {
  return unknownKeys === 'passthrough' || (catchall as Known)._def.typeName !== Kind.ZodNever;
}

/** What judges a property beside. */
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

/** What judges the items of a list beside. */
export function itemBeside(beside: BesideV3): BesideV3 {
  return alternativesOf(beside).flatMap(({ _def: def }) =>
    def.typeName === Kind.ZodArray ? [def.type] : [],
  );
}
