import * as z3 from 'zod/v3';
import { MAX_DETAILS } from '../errors.ts';
import { type BesideV3, isOpenV3, itemBeside, propertyBeside, unknownBeside } from './beside_v3.ts';
import { copiesBy, type Judging as JudgingOf, type Place as PlaceOf } from './copies.ts';
import { dateOfText } from './date_text.ts';
import { calledSafely, freshCopy, thrownMessage, thrownParams } from './own_code.ts';

type V3 = z3.ZodTypeAny;
type Known = z3.ZodFirstPartySchemaTypes;
type Result = z3.ParseReturnType<unknown>;
type Parse = (input: z3.ParseInput) => Result;
type Place = PlaceOf<V3>;
type Judging = JudgingOf<V3>;

const { ZodFirstPartyTypeKind: Kind } = z3;

/** Like `judgingZod4` for a `zod/v3` schema, built from instances with changed definitions. */
export function judgingV3(schema: V3, isJson: boolean): { schema: V3; runsOwnCode: boolean } {
  const { judging, all } = copiesBy<V3>((part, place, make) => rebuilt(part as Known, place, make));
  const root = judging(schema, { arrived: true, isJson, beside: [] });
  let runsOwnCode = false;
  for (const [part, copy] of all()) {
    resolveParts(copy as Known);
    runsOwnCode ||= kindOf(part) === Kind.ZodEffects;
  }
  return { schema: root, runsOwnCode };
}

/** Makes recursive parts at load too. */
function resolveParts({ _def: def }: Known): void {
  if (def.typeName === Kind.ZodLazy) def.getter();
  if (def.typeName === Kind.ZodObject) def.shape();
}

function rebuilt(schema: Known, place: Place, judging: Judging): V3 {
  const def = schema._def;
  const part = (one: V3, beside: BesideV3 = []): V3 => judging(one, { ...place, beside });
  const same = (one: V3): V3 => judging(one, place);
  switch (def.typeName) {
    case Kind.ZodObject:
      return rebuiltObject(schema, def, place, part);
    case Kind.ZodArray:
      return copyOf(schema, { type: counted(part(def.type, itemBeside(place.beside))) });
    case Kind.ZodTuple:
      return copyOf(schema, {
        items: (def.items ?? []).map((one: V3) => part(one)),
        rest: def.rest === null ? null : counted(part(def.rest)),
      });
    case Kind.ZodRecord:
    case Kind.ZodMap:
      return copyOf(schema, { keyType: counted(part(def.keyType)), valueType: counted(part(def.valueType)) });
    case Kind.ZodSet:
      return copyOf(schema, { valueType: counted(part(def.valueType)) });
    case Kind.ZodUnion:
      return copyOf(schema, { options: def.options.map((one: V3) => same(one)) });
    case Kind.ZodDiscriminatedUnion:
      return copyOf(schema, {
        options: def.options.map((one: V3) => same(one)),
        optionsMap: new Map([...def.optionsMap].map(([value, one]) => [value, same(one)])),
      });
    case Kind.ZodIntersection:
      return rebuiltIntersection(schema, def, place, judging);
    case Kind.ZodLazy:
      return copyOf(schema, { getter: () => same(def.getter()) });
    case Kind.ZodEffects:
      return copyOf(schema, { schema: same(def.schema), effect: safeEffect(def.effect) });
    case Kind.ZodPipeline:
      return copyOf(schema, { in: same(def.in), out: judging(def.out, { ...place, arrived: false }) });
    case Kind.ZodDefault:
      return copyOf(schema, {
        innerType: same(def.innerType),
        defaultValue: () => freshCopy(def.defaultValue()),
      });
    case Kind.ZodCatch:
      return copyOf(schema, {
        innerType: same(def.innerType),
        catchValue: (context: Parameters<typeof def.catchValue>[0]) => freshCopy(def.catchValue(context)),
      });
    case Kind.ZodOptional:
    case Kind.ZodNullable:
    case Kind.ZodReadonly:
      return copyOf(schema, { innerType: same(def.innerType) });
    case Kind.ZodBranded:
    case Kind.ZodPromise:
      return copyOf(schema, { type: same(def.type) });
    case Kind.ZodDate:
      return place.isJson && place.arrived && !def.coerce ? withParse(schema, fromText) : schema;
    default:
      return schema;
  }
}

function copyOf(schema: V3, parts: object): V3 {
  const Class = schema.constructor as new (def: z3.ZodTypeDef) => V3;
  return new Class({ ...schema._def, ...parts });
}

function rebuiltIntersection(schema: V3, def: z3.ZodIntersectionDef, place: Place, judging: Judging): V3 {
  const side = (one: V3, other: V3): V3 => judging(one, { ...place, beside: [...place.beside, other] });
  return copyOf(schema, { left: side(def.left, def.right), right: side(def.right, def.left) });
}

type Part = (one: V3, beside?: BesideV3) => V3;

function rebuiltObject(schema: V3, def: z3.ZodObjectDef, { arrived, beside }: Place, part: Part): V3 {
  const isClosed = arrived && def.unknownKeys === 'strip' && !isOpenV3(def);
  const entries = (): [string, V3][] =>
    Object.entries(def.shape()).map(([key, one]) => [key, part(one, propertyBeside(key, beside))]);
  const copy = copyOf(schema, {
    shape: () => Object.fromEntries(entries()),
    catchall: counted(part(def.catchall)),
    unknownKeys: isClosed && beside.length === 0 ? 'strict' : def.unknownKeys,
  });
  if (!isClosed || beside.length === 0) return copy;
  return withParse(copy, (parse) => refusingUnknown(new Set(Object.keys(def.shape())), beside, copy, parse));
}

/** An object that refuses properties which neither it nor another side of its intersection knows. */
function refusingUnknown(own: ReadonlySet<string>, beside: BesideV3, schema: V3, parse: Parse): Parse {
  return (input) => {
    const { data } = input;
    const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
    const others = isObject ? Object.keys(data).filter((key) => !own.has(key)) : [];
    const unknown = unknownBeside(others, beside);
    if (unknown.length > 0)
      z3.addIssueToContext(schema._getOrReturnCtx(input), { code: 'unrecognized_keys', keys: unknown });
    const done = parse(input);
    if (unknown.length === 0) return done;
    return done instanceof Promise ? done.then(() => z3.INVALID) : z3.INVALID;
  };
}

function kindOf(schema: V3): unknown {
  return (schema as Known)._def.typeName;
}

function safeEffect(effect: z3.Effect<unknown>): z3.Effect<unknown> {
  const report = (thrown: unknown, context: z3.RefinementCtx): never => {
    context.addIssue({
      code: 'custom',
      message: thrownMessage(thrown),
      params: thrownParams(thrown),
      fatal: true,
    });
    return z3.NEVER;
  };
  if (effect.type === 'refinement') {
    const { refinement } = effect;
    return {
      type: effect.type,
      refinement: (value, context) =>
        calledSafely(
          () => refinement(value, context) as unknown,
          (thrown) => report(thrown, context),
        ),
    };
  }
  const { transform } = effect;
  return {
    type: effect.type,
    transform: (value: unknown, context: z3.RefinementCtx) =>
      calledSafely(
        () => transform(value, context) as unknown,
        (thrown) => report(thrown, context),
      ),
  };
}

/** The methods that start a parse are bound to the original instance: see `parseV3`. */
function withParse(schema: V3, change: (parse: Parse) => Parse): V3 {
  const parse = change((input) => schema._parse(input));
  return Object.create(schema, { _parse: { value: parse } }) as V3;
}

type Options = { errorMap: z3.ZodErrorMap };

/** Parses with the result of `judgingV3`, whose `_parse` may differ from that of its class. */
export const parseV3 = {
  now: (schema: V3, value: unknown, options: Options): z3.SafeParseReturnType<unknown, unknown> =>
    z3.ZodType.prototype.safeParse.call(schema, value, options),
  later: (schema: V3, value: unknown, options: Options): Promise<z3.SafeParseReturnType<unknown, unknown>> =>
    z3.ZodType.prototype.safeParseAsync.call(schema, value, options),
};

function fromText(parse: Parse): Parse {
  return (input) => {
    // Code that needs the value reads it from the input object, whose path may be a getter; so the input is
    // extended, not copied.
    const read = Object.create(input, { data: { value: dateOfText(input.data) } }) as z3.ParseInput;
    return parse(read);
  };
}

/**
 * Problems in the context certainly belong to the value, because branches of a union have their own contexts.
 */
function counted(schema: V3): V3 {
  return withParse(
    schema,
    (parse) => (input) => (input.parent.common.issues.length >= MAX_DETAILS ? z3.INVALID : parse(input)),
  );
}
