import { isDeepStrictEqual } from 'node:util';
import { alternatives, type Schema, valuesOf } from './alternatives.ts';

/** Schemas are compared for what a client sends, or for what it gets. */
export type Direction = 'request' | 'response';

/** A schema, and the document that its `$ref`s point into. */
type Side = { root: Schema; schema: unknown };

/** Keywords that do not restrict values. A default changes what happens, not what may be sent. */
const ANNOTATIONS =
  /^(description|title|default|examples?|deprecated|readOnly|writeOnly|\$comment|\$schema|x-.*)$/;
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'];
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'];
/** Keywords with their own rules. All other keywords must be equal. */
const RULED = new Set([
  ...LOWER,
  ...UPPER,
  ...['type', 'enum', 'const', 'required', 'properties', 'additionalProperties', 'propertyNames', 'items'],
]);

/**
 * The incompatible changes of a schema, one line each; empty if it is compatible. For a request:
 * values that were accepted and no longer are. For a response: values that may come now and could
 * not before. `at` is where the schema is.
 *
 * A client is expected to ignore unknown properties of a response, and unknown values of an enum.
 * Keywords without a rule must not change.
 */
export function schemaBreaks(direction: Direction, before: Side, after: Side, at: string): string[] {
  const [inner, outer] = direction === 'request' ? [before, after] : [after, before];
  return [
    ...new Set(
      misfits({ direction, inner: inner.root, outer: outer.root }, inner.schema, outer.schema, at, []),
    ),
  ];
}

type Context = { direction: Direction; inner: Schema; outer: Schema };

/**
 * The places where a value of `inner` may not be a value of `outer`. `seen` has the pairs in
 * progress, because schemas may be recursive.
 */
function misfits(
  context: Context,
  inner: unknown,
  outer: unknown,
  at: string,
  seen: [unknown, unknown][],
): string[] {
  if (seen.some(([one, other]) => one === inner && other === outer)) return [];
  const under: [unknown, unknown][] = [...seen, [inner, outer]];
  const options = alternatives(context.outer, outer);
  return alternatives(context.inner, inner).flatMap((one) => {
    const ofType = options.filter(
      ({ type }) => type === one.type || (type === 'number' && one.type === 'integer'),
    );
    const found = ofType.map((other) => ofOneType(context, one, other, at, under));
    const closest = found.sort((a, b) => a.length - b.length)[0];
    if (closest !== undefined) return closest;
    return [`${at} ${context.direction === 'request' ? 'does not accept' : 'may be'} ${one.type} now`];
  });
}

function ofOneType(
  context: Context,
  inner: Schema,
  outer: Schema,
  at: string,
  seen: [unknown, unknown][],
): string[] {
  const changed = (key: string): string => {
    const [before, after] = context.direction === 'request' ? [inner, outer] : [outer, inner];
    return `${at} has ${key} ${shown(after[key])} now, it was ${shown(before[key])}`;
  };
  if (valuesOf(inner) !== undefined) return valueProblems(context, inner, outer, changed);
  const keys = Object.keys(outer).filter((key) => !ANNOTATIONS.test(key) && !isWithin(key, inner, outer));
  const nested = { object: objectProblems, array: itemProblems }[String(inner.type)];
  return [...keys.map(changed), ...(nested?.(context, inner, outer, at, seen) ?? [])];
}

function shown(value: unknown): string {
  return value === undefined ? 'not given' : JSON.stringify(value);
}

/** Compares a constant or an enum. */
function valueProblems(
  { direction }: Context,
  inner: Schema,
  outer: Schema,
  changed: (key: string) => string,
): string[] {
  const known = valuesOf(outer);
  if (known === undefined) return [];
  const others = (valuesOf(inner) ?? []).filter(
    (value) => !known.some((one) => isDeepStrictEqual(one, value)),
  );
  const isNewInResponse = direction === 'response' && !('const' in outer);
  return others.length === 0 || isNewInResponse ? [] : [changed('const' in inner ? 'const' : 'enum')];
}

/** Whether the restriction of `outer` by this keyword holds for all values of `inner`. */
function isWithin(key: string, inner: Schema, outer: Schema): boolean {
  if (key === 'enum' || key === 'const') return false;
  const wanted = outer[key];
  if (LOWER.includes(key)) return boundOf(inner, key, LOWER, Math.max) >= Number(wanted);
  if (UPPER.includes(key)) return boundOf(inner, key, UPPER, Math.min) <= Number(wanted);
  if (key === 'multipleOf')
    return Number(inner[key] ?? (inner.type === 'integer' ? 1 : Number.NaN)) % Number(wanted) === 0;
  return RULED.has(key) || wanted === false || isDeepStrictEqual(inner[key], wanted);
}

/**
 * A bound of a schema. The exclusive bound of a number can serve as its inclusive one, but not the
 * other way.
 */
function boundOf(
  schema: Schema,
  key: string,
  keys: string[],
  closer: (...values: number[]) => number,
): number {
  const none =
    keys === LOWER ? (/^min[A-Z]/.test(key) ? 0 : Number.NEGATIVE_INFINITY) : Number.POSITIVE_INFINITY;
  const others = key === keys[0] ? [keys[1] ?? ''] : [];
  return closer(
    none,
    ...[key, ...others].flatMap((one) => (schema[one] === undefined ? [] : [Number(schema[one])])),
  );
}

function itemProblems(
  context: Context,
  inner: Schema,
  outer: Schema,
  at: string,
  seen: [unknown, unknown][],
): string[] {
  return misfits(context, inner.items, outer.items, `${at}[]`, seen);
}

function objectProblems(
  context: Context,
  inner: Schema,
  outer: Schema,
  at: string,
  seen: [unknown, unknown][],
): string[] {
  const isRequest = context.direction === 'request';
  const required = new Set((inner.required ?? []) as string[]);
  const missing = ((outer.required ?? []) as string[]).filter((key) => !required.has(key));
  const some = (inner.properties ?? {}) as Schema;
  const others = (outer.properties ?? {}) as Schema;
  const nested = [...new Set([...Object.keys(some), ...Object.keys(others)])].flatMap((key) => {
    const where = `${at}.${key}`;
    if (!isRequest && !(key in some)) return [`${where} is gone`];
    // A property that responses did not have, or that requests could not have.
    if (isRequest ? !(key in some) && inner.additionalProperties === false : !(key in others)) return [];
    const [one, other] = [some[key] ?? inner.additionalProperties, others[key] ?? outer.additionalProperties];
    return other === false ? [`${where} is gone`] : misfits(context, one, other, where, seen);
  });
  return [
    ...missing.map((key) => `${at}.${key} ${isRequest ? 'must be given now' : 'may be missing now'}`),
    ...nested,
    ...additionalProblems(context, inner, outer, at, seen),
    ...misfits(
      context,
      inner.propertyNames ?? { type: 'string' },
      outer.propertyNames ?? {},
      `${at} (names)`,
      seen,
    ),
  ];
}

function additionalProblems(
  context: Context,
  inner: Schema,
  outer: Schema,
  at: string,
  seen: [unknown, unknown][],
): string[] {
  const [some, others] = [inner.additionalProperties, outer.additionalProperties];
  if (some === false) return [];
  if (others !== false) return misfits(context, some, others, `${at}.*`, seen);
  return context.direction === 'request' ? [`${at} does not accept other properties now`] : [];
}
