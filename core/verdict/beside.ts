import type { z } from 'zod';

type Zod = z.core.$ZodType;
type Known = z.core.$ZodTypes;

/**
 * The other sides of an intersection: schemas that validate the same value. A property is unknown only if no
 * side knows it, and the objects in it are validated by all sides too (specification D1).
 */
export type Beside = readonly Zod[];

/** The schemas without wrappers, and each alternative separately. */
function alternativesOf(schemas: Beside, seen = new Set<Zod>()): Known[] {
  return schemas.flatMap((schema) => {
    if (seen.has(schema)) return [];
    seen.add(schema);
    const { def } = (schema as Known)._zod;
    if (def.type === 'union') return alternativesOf(def.options, seen);
    if (def.type === 'intersection') return alternativesOf([def.left, def.right], seen);
    if (def.type === 'lazy') return alternativesOf([def.getter()], seen);
    if (def.type === 'pipe') {
      const isPreprocess = (def.in as Known)._zod.def.type === 'transform';
      return alternativesOf([isPreprocess ? def.out : def.in], seen);
    }
    return 'innerType' in def ? alternativesOf([def.innerType], seen) : [schema as Known];
  });
}

/**
 * The properties that the other sides do not know either. A record decides for each key itself, so Zod's own
 * comparison of both sides is used for it.
 */
export function unknownBeside(keys: readonly string[], beside: Beside): string[] {
  const all = alternativesOf(beside);
  return keys.filter((key) => !all.some((one) => knows(one, key)));
}

function knows(schema: Known, key: string): boolean {
  const { def } = schema._zod;
  if (def.type === 'any' || def.type === 'unknown' || def.type === 'custom') return true;
  return def.type === 'object' && (Object.hasOwn(def.shape, key) || isOpen(def));
}

function isOpen({ catchall }: z.core.$ZodObjectDef): boolean {
  return catchall !== undefined && (catchall as Known)._zod.def.type !== 'never';
}

/** Whether one of the other sides is a record. */
export function hasRecord(beside: Beside): boolean {
  return alternativesOf(beside).some(({ _zod: { def } }) => def.type === 'record');
}

/** The schemas of the other sides for a property. */
export function propertyBeside(key: string, beside: Beside): Beside {
  return alternativesOf(beside).flatMap((one) => {
    const { def } = one._zod;
    if (def.type === 'any' || def.type === 'unknown') return [one];
    if (def.type === 'record') return [def.valueType];
    if (def.type !== 'object') return [];
    const own = Object.hasOwn(def.shape, key) ? def.shape[key] : def.catchall;
    return own === undefined ? [] : [own];
  });
}

/** The schemas of the other sides for the items of a list. */
export function itemBeside(beside: Beside): Beside {
  return alternativesOf(beside).flatMap(({ _zod: { def } }) => (def.type === 'array' ? [def.element] : []));
}
