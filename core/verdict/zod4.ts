import { z } from 'zod';
import { type Beside, hasRecord, itemBeside, propertyBeside, unknownBeside } from './beside.ts';
import { copiesBy, type Judging as JudgingOf, type Place as PlaceOf } from './copies.ts';
import { calledSafely, freshCopy, thrownMessage, thrownParams } from './own_code.ts';
import { apart, counted, fromText, knowing, waitedFor } from './runs.ts';

type Zod = z.core.$ZodType;
type Known = z.core.$ZodTypes;
type Check = z.core.$ZodCheck;
type Payload = z.core.ParsePayload;
type Place = PlaceOf<Zod>;
type Judging = JudgingOf<Zod>;

/**
 * Makes the schema that validates in place of a definition's schema, which stays unchanged. It is the same,
 * except that:
 * - objects that list their properties refuse others (specification D1);
 * - dates are also accepted as text, if `isJson` (D2);
 * - each parse gives its own copies of defaults (D3);
 * - the definition's code may throw (T9);
 * - after MAX_DETAILS problems the remaining parts of arrays and records are skipped: checking millions of
 *   them takes seconds and gigabytes, and the value is invalid anyway.
 *
 * It is built from clones, which Zod makes for its own methods such as `.extend()`.
 */
export function judgingZod4(schema: Zod, isJson: boolean): Judging4 {
  const { judging, all } = copiesBy<Zod>((part, place, make) => rebuilt(part as Known, place, make));
  const root = judging(schema, { arrived: true, isJson, beside: [] });
  let seesCode = false;
  for (const [part, copy] of all()) {
    resolveParts(copy as Known);
    seesCode ||= runsOwnCode(part as Known);
  }
  return { schema: root, runsOwnCode: seesCode };
}

/** The validating schema, and whether code of the definition receives the value and could change it. */
type Judging4 = { schema: Zod; runsOwnCode: boolean };

function runsOwnCode({ _zod: { def } }: Known): boolean {
  const isCode = def.type === 'custom' || def.type === 'transform' || 'transform' in def || 'fn' in def;
  return isCode || (def.checks ?? []).some((one) => one._zod.def.check === 'custom');
}

/**
 * Makes recursive parts at load, so that nothing fails later (D3). Otherwise they are made on first use. A
 * Map iteration includes entries that are added meanwhile.
 */
function resolveParts(schema: Known): void {
  const { def } = schema._zod;
  if (def.type === 'object') Object.values(def.shape);
  if (def.type === 'lazy') def.getter();
}

function rebuilt(schema: Known, place: Place, judging: Judging): Zod {
  const { def } = schema._zod;
  const part = (one: Zod, beside: Beside = []): Zod => judging(one, { ...place, beside });
  switch (def.type) {
    case 'object':
      return rebuiltObject(schema, def, place, part);
    case 'array':
      return copyOf(schema, { element: counted(part(def.element, itemBeside(place.beside))) });
    case 'tuple':
      return copyOf(schema, {
        items: def.items.map((one) => part(one)),
        rest: def.rest && counted(part(def.rest)),
      });
    case 'record':
      return copyOf(schema, {
        keyType: place.beside.length > 0 ? part(def.keyType) : counted(part(def.keyType)),
        valueType: counted(part(def.valueType)),
      });
    case 'map':
      return copyOf(schema, { keyType: counted(part(def.keyType)), valueType: counted(part(def.valueType)) });
    case 'set':
      return copyOf(schema, { valueType: counted(part(def.valueType)) });
    case 'union':
      return copyOf(schema, { options: def.options.map((one) => apart(judging(one, place))) });
    case 'intersection': {
      const side = (one: Zod, other: Zod): Zod =>
        apart(judging(one, { ...place, beside: [...place.beside, other] }));
      return copyOf(schema, { left: side(def.left, def.right), right: side(def.right, def.left) });
    }
    case 'pipe':
      return rebuiltPipe(schema, def, place, judging);
    case 'lazy':
      return copyOf(schema, { getter: () => judging(def.getter(), place), _cachedInner: undefined });
    case 'catch':
      return copyOf(schema, {
        innerType: apart(judging(def.innerType, place)),
        catchValue: (context: z.core.$ZodCatchCtx) => freshCopy(def.catchValue(context)),
      });
    case 'default':
    case 'prefault':
      return withFreshDefault(schema, judging(def.innerType, place));
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'success':
    case 'promise':
      return copyOf(schema, { innerType: judging(def.innerType, place) });
    case 'transform':
      return waitedFor(copyOf(schema, { transform: safeTransform(def.transform) }));
    case 'date':
      return place.isJson && place.arrived && !def.coerce ? fromText(copyOf(schema, {})) : copyOf(schema, {});
    default:
      return rebuiltLeaf(schema);
  }
}

type Part = (one: Zod, beside?: Beside) => Zod;

function rebuiltObject(schema: Zod, def: z.core.$ZodObjectDef, place: Place, part: Part): Zod {
  const { catchall } = def;
  const isClosed = catchall === undefined && place.arrived;
  const copy = copyOf(schema, {
    shape: shapeOf(def.shape, place, part),
    catchall: isClosed ? z.never() : catchall && counted(part(catchall)),
  });
  if (place.beside.length === 0) return copy;
  const isForSure = place.arrived && !hasRecord(place.beside);
  return knowing(copy, (keys) => unknownBeside(keys, place.beside), isForSure);
}

function shapeOf(shape: Readonly<Record<string, Zod>>, { beside }: Place, part: Part): Record<string, Zod> {
  const copy: Record<string, Zod> = {};
  for (const key of Object.keys(shape)) {
    // A getter, as in recursive schemas.
    Object.defineProperty(copy, key, {
      get: () => part(shape[key] as Zod, propertyBeside(key, beside)),
      enumerable: true,
      configurable: true,
    });
  }
  return copy;
}

/**
 * The output schema of a preprocess describes the values that callers send. The output schema of any other
 * transform describes the transform's result.
 */
function rebuiltPipe(schema: Known, def: z.core.$ZodPipeDef, place: Place, judging: Judging): Zod {
  const isPreprocess = (def.in as Known)._zod.def.type === 'transform';
  const parts = {
    in: judging(def.in, place),
    out: judging(def.out, isPreprocess ? place : { ...place, arrived: false }),
  };
  const { transform, reverseTransform } = def;
  if (transform === undefined) return copyOf(schema, parts);
  const reverse = reverseTransform === undefined ? {} : { reverseTransform };
  return waitedFor(copyOf(schema, { ...parts, ...reverse, transform: safeTransform(transform) }));
}

function rebuiltLeaf(schema: Known): Zod {
  const { def } = schema._zod;
  const isOwnCode = def.type === 'custom' || ('fn' in def && typeof def.fn === 'function');
  if (!isOwnCode) return (def.checks ?? []).some(isOwnCheck) ? copyOf(schema, {}) : schema;
  const copy = copyOf(schema, {});
  // Such a part is both schema and check.
  const own = copy._zod as unknown as Check['_zod'];
  own.check = safeCheck(own.check);
  return copy;
}

/** A clone with other parts, whose checks may throw. */
function copyOf(schema: Zod, parts: object): Zod {
  const { checks, ...def } = schema._zod.def;
  return z.core.clone(schema, {
    ...def,
    ...parts,
    ...(checks === undefined ? {} : { checks: checks.map((one) => (isOwnCheck(one) ? guarded(one) : one)) }),
  });
}

function withFreshDefault(schema: Zod, innerType: Zod): Zod {
  const { checks, ...def } = Object.getOwnPropertyDescriptors(schema._zod.def) as PropertyDescriptorMap;
  const original = schema._zod.def as z.core.$ZodDefaultDef;
  const made = Object.defineProperties({} as z.core.$ZodDefaultDef, {
    ...def,
    innerType: { value: innerType, enumerable: true },
    defaultValue: { get: () => freshCopy(original.defaultValue), enumerable: true },
  });
  if (checks !== undefined) made.checks = (original.checks ?? []).map((one) => guarded(one));
  return z.core.clone(schema, made);
}

function isOwnCheck(check: Check): boolean {
  return ['custom', 'overwrite', 'property'].includes(check._zod.def.check);
}

function guarded(check: Check): Check {
  return Object.create(check, {
    _zod: { value: Object.create(check._zod, { check: { value: safeCheck(check._zod.check) } }) },
  }) as Check;
}

function safeCheck(check: Check['_zod']['check']): Check['_zod']['check'] {
  return (payload) =>
    calledSafely(
      () => check(payload),
      (thrown) => report(thrown, payload),
    );
}

type Transform = (value: unknown, payload: Payload) => unknown;

function safeTransform(transform: Transform): Transform {
  return (value, payload) =>
    calledSafely(
      () => transform(value, payload),
      (thrown) => {
        report(thrown, payload);
        return z.NEVER;
      },
    );
}

function report(thrown: unknown, payload: Payload): void {
  if (thrown instanceof z.core.$ZodAsyncError) throw thrown;
  payload.issues.push({
    code: 'custom',
    message: thrownMessage(thrown),
    input: payload.value,
    path: [],
    params: thrownParams(thrown),
  });
}
