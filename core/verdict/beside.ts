import type { z } from 'zod';

type Zod = z.core.$ZodType;
type Known = z.core.$ZodTypes;

/**
 * What the other sides of an intersection are to one: schemas that judge the same value. A property is unknown only if no
 * side knows it, and the objects in it are judged by all sides, too (specification D1).
 */
export type Beside = readonly Zod[];

/** The same schemas without what only wraps them, each alternative by itself. */
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
 * Which of these properties is unknown beside, too. A record says itself of each key whether it takes it, so Zod's own
 * comparison of both sides decides there.
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

/** Whether a record is beside. */
export function hasRecord(beside: Beside): boolean {
  return alternativesOf(beside).some(({ _zod: { def } }) => def.type === 'record');
}

/** What judges a property beside. */
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

/** What judges the items of a list beside. */
export function itemBeside(beside: Beside): Beside {
  return alternativesOf(beside).flatMap(({ _zod: { def } }) => (def.type === 'array' ? [def.element] : []));
}
