import { z } from 'zod';
import * as z3 from 'zod/v3';
import { isZod4, type Schema } from '../schema.ts';

/**
 * A regular expression in a definition's schema, its place, and the maximum length of the text that it
 * receives.
 */
export type Found = { place: string; expression: RegExp; maxLength: number };

type Look = { expressions: { expression: RegExp; maxLength: number }[]; parts: [string, Schema, number?][] };
type Check = z.core.$ZodCheck | z.core.$ZodStringFormat;

/**
 * Every regular expression that a definition has written into its schema, on both sides of transforms, with
 * its place. Zod's own expressions are left out; test/system/core/expressions/own_expressions.test.ts checks those.
 */
export function expressionsOf(what: string, schema: Schema): Found[] {
  const found: Found[] = [];
  const seen = new Map<Schema, number>();
  function look(place: string, part: Schema, maxLength: number): void {
    if ((seen.get(part) ?? -1) >= maxLength) return;
    seen.set(part, maxLength);
    const { expressions, parts } = isZod4(part) ? ofZod4(part, maxLength) : ofV3(part, maxLength);
    found.push(...expressions.map((one) => ({ place, ...one })));
    for (const [key, one, most] of parts) look(`${place}${key}`, one, most ?? Number.POSITIVE_INFINITY);
  }
  look(what, schema, Number.POSITIVE_INFINITY);
  return found;
}

/**
 * The keys under which schema definitions of both Zod versions contain other schemas, and the names of these
 * places: '' if the inner schema takes the same value. Parts of a template literal are in its expression.
 */
const PARTS = {
  catchall: '.*',
  element: '[]',
  in: '',
  innerType: '',
  keyType: '.* (its name)',
  left: '',
  options: '',
  out: '',
  rest: '[]',
  right: '',
  schema: '',
  valueType: '.*',
} as const;

type Parts = { [key in keyof typeof PARTS | 'getter' | 'items' | 'shape' | 'type']?: unknown };

function partsOf(def: Parts, isList: boolean): [string, Schema][] {
  const { getter, items, shape, type } = def;
  const properties: object = (typeof shape === 'function' ? shape() : shape) ?? {};
  const parts: [string, unknown][] = [
    ...Object.entries(properties).map(([name, one]): [string, unknown] => [`.${name}`, one]),
    ...(Array.isArray(items) ? items.map((one, index): [string, unknown] => [`[${index}]`, one]) : []),
    ...(typeof getter === 'function' ? [['', getter()] satisfies [string, unknown]] : []),
    [isList ? '[]' : '', type],
    ...Object.entries(PARTS).flatMap(([key, place]) =>
      [def[key as keyof typeof PARTS]].flat().map((one): [string, unknown] => [place, one]),
    ),
  ];
  return parts.filter((part): part is [string, Schema] => isSchema(part[1]));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && ('_zod' in value || '_def' in value);
}

function ofZod4(schema: z.ZodType, maxLength: number): Look {
  const known = schema as unknown as z.core.$ZodTypes;
  const { def } = known._zod;
  const parts: Look['parts'] = partsOf(def as Parts, false);
  const expressions: Look['expressions'] = [];
  if (def.type === 'template_literal')
    expressions.push({ expression: (known as z.core.$ZodTemplateLiteral)._zod.pattern, maxLength });
  // A codec has code between its two schemas, so the bound does not carry over.
  if (def.type === 'pipe' && def.transform === undefined)
    addBound(parts, def.out as Schema, boundOfZod4(def.in));
  let bound = maxLength;
  for (const check of checksOf(schema)) {
    const given = writtenExpressions(check);
    expressions.push(...given.map((expression) => ({ expression, maxLength: bound })));
    parts.push(...partsOf(check._zod.def as Parts, false));
    // Without `abort`, Zod passes a text that is too long on to the next check.
    if (check._zod.def.abort === true) bound = Math.min(bound, boundOfCheck(check));
    if (check._zod.def.check === 'overwrite') bound = Number.POSITIVE_INFINITY;
  }
  return { expressions, parts };
}

function checksOf(schema: z.core.$ZodType): Check[] {
  const own = schema._zod.traits.has('$ZodCheck') ? [schema as unknown as Check] : [];
  return [...own, ...((schema._zod.def.checks ?? []) as Check[])];
}

const ZODS_OWN = new Set<unknown>(Object.values(z.regexes));

/** The regular expressions of a check that are not Zod's own. */
function writtenExpressions(check: Check): RegExp[] {
  const { pattern, ...def } = check._zod.def as { pattern?: unknown; format?: string };
  const others: unknown[] = Object.values(def);
  // Zod makes some expressions for each use, such as that of a time with seconds. They equal the expression
  // that the format has by default.
  const given = pattern instanceof RegExp && !isOfFormat(check, def, pattern) ? [pattern] : [];
  return [...given, ...others.filter((one): one is RegExp => one instanceof RegExp && !ZODS_OWN.has(one))];
}

function isOfFormat(check: Check, def: object, pattern: RegExp): boolean {
  if (ZODS_OWN.has(pattern)) return true;
  const { constr } = check._zod as unknown as { constr: new (def: object) => Check };
  const own = (new constr({ ...def })._zod.def as { pattern?: RegExp }).pattern;
  return own?.source === pattern.source && own.flags === pattern.flags;
}

function boundOfCheck({ _zod: { def } }: Check): number {
  if (def.check === 'max_length') return (def as z.core.$ZodCheckMaxLengthDef).maximum;
  if (def.check === 'length_equals') return (def as z.core.$ZodCheckLengthEqualsDef).length;
  return Number.POSITIVE_INFINITY;
}

/**
 * The maximum length of a text that has passed a schema. The next schema in a pipe receives no longer text.
 */
function boundOfZod4(schema: z.core.$ZodType): number {
  const checks = schema._zod.def.type === 'string' ? checksOf(schema) : [];
  if (checks.some((check) => check._zod.def.check === 'overwrite')) return Number.POSITIVE_INFINITY;
  return Math.min(Number.POSITIVE_INFINITY, ...checks.map(boundOfCheck));
}

/**
 * Sets the bound of the output schema of a pipe, once. If that schema is also the input, it is checked
 * without a bound too.
 */
function addBound(parts: Look['parts'], out: Schema, bound: number): void {
  const part = parts.find(([, one]) => one === out);
  if (part !== undefined) part[2] = bound;
}

const { ZodFirstPartyTypeKind: Kind } = z3;

function ofV3(schema: z3.ZodTypeAny, maxLength: number): Look {
  const def = (schema as z3.ZodFirstPartySchemaTypes)._def;
  const parts: Look['parts'] = partsOf(def as Parts, def.typeName === Kind.ZodArray);
  if (def.typeName === Kind.ZodPipeline) addBound(parts, def.out, boundOfV3(def.in));
  const checks = def.typeName === Kind.ZodString ? def.checks : [];
  const expressions = checks.flatMap((check) =>
    check.kind === 'regex' ? [{ expression: check.regex, maxLength }] : [],
  );
  return { expressions, parts };
}

const CHANGES_TEXT = new Set(['trim', 'toLowerCase', 'toUpperCase']);

function boundOfV3({ _def: def }: z3.ZodFirstPartySchemaTypes): number {
  if (def.typeName !== Kind.ZodString || def.checks.some(({ kind }) => CHANGES_TEXT.has(kind)))
    return Number.POSITIVE_INFINITY;
  const bounds = def.checks.flatMap((check) =>
    check.kind === 'max' || check.kind === 'length' ? [check.value] : [],
  );
  return Math.min(Number.POSITIVE_INFINITY, ...bounds);
}
