import type { z } from 'zod';
import * as z3 from 'zod/v3';
import { isZod4, type Schema, type Side } from '../schema.ts';

type Zod = z.core.$ZodTypes;
type V3 = z3.ZodFirstPartySchemaTypes;
/** A part of a schema, and its place in a value. */
type Part = [place: string, schema: Schema];
/**
 * The parts of one kind of schema on the examined side, and the name of the kind if JSON has no such type.
 */
type Look = { parts: Part[]; refused?: string | undefined };

/** The types that JSON does not have, with their replacements. */
const INSTEAD: Record<string, string> = {
  bigint: 'a bigint: use text, z.string().regex(/^-?\\d+$/), and convert it where a bigint is needed',
  map: 'a Map: use an object, z.record(key, value)',
  set: 'a Set: use a list, z.array(value)',
  symbol: 'a symbol: use text, z.enum([…])',
  function: 'a function: leave it out',
  nan: 'NaN: use null, z.null()',
  file: 'a File: use a URL or base64 text, z.url() or z.base64()',
  promise: 'a promise: use the schema of what it resolves to',
};

/**
 * The types in a schema that JSON cannot represent, one line each with the place in the schema and the
 * replacement; empty if there are none (specification D2). For an input, only the values that callers send
 * count, not the results of transforms. For an output, the recorded values count.
 */
export function uncarriedParts(what: string, schema: Schema, side: Side): string[] {
  const problems: string[] = [];
  const seen = new Set<Schema>();
  function look(place: string, part: Schema): void {
    if (seen.has(part)) return;
    seen.add(part);
    const { parts, refused } = isZod4(part) ? ofZod4(part as unknown as Zod, side) : ofV3(part as V3, side);
    if (refused !== undefined)
      problems.push(`${place}: JSON cannot represent ${INSTEAD[refused] ?? refused}`);
    else for (const [key, one] of parts) look(`${place}${key}`, one);
  }
  look(what, schema);
  return problems;
}

function ofZod4(schema: Zod, side: Side): Look {
  const { def } = schema._zod;
  const parts = (...given: [string, z.core.$ZodType | null | undefined][]): Look => ({
    parts: given.filter(([, one]) => one !== null && one !== undefined) as Part[],
  });
  switch (def.type) {
    case 'object':
      return parts(...Object.entries(def.shape).map(([key, one]): [string, Zod] => [`.${key}`, one as Zod]), [
        '.*',
        def.catchall,
      ]);
    case 'array':
      return parts(['[]', def.element]);
    case 'tuple':
      return parts(...def.items.map((one, index): [string, Zod] => [`[${index}]`, one as Zod]), [
        '[]',
        def.rest,
      ]);
    case 'record':
      return parts(['.*', def.valueType]);
    case 'union':
      return parts(...def.options.map((one): [string, Zod] => ['', one as Zod]));
    case 'intersection':
      return parts(['', def.left], ['', def.right]);
    case 'pipe': {
      const isPreprocess = (def.in as Zod)._zod.def.type === 'transform';
      if (side === 'output') return parts(['', def.out]);
      return isPreprocess ? parts() : parts(['', def.in]);
    }
    case 'lazy':
      return parts(['', def.getter()]);
    case 'literal':
      return {
        parts: [],
        refused: def.values.some((value) => typeof value === 'bigint') ? 'bigint' : undefined,
      };
    case 'bigint':
      return { parts: [], refused: def.coerce && side === 'input' ? undefined : 'bigint' };
    case 'success':
      return side === 'output' ? parts() : parts(['', def.innerType]);
    default:
      if (def.type in INSTEAD) return { parts: [], refused: def.type };
      return 'innerType' in def ? parts(['', def.innerType]) : parts();
  }
}

const { ZodFirstPartyTypeKind: Kind } = z3;

function ofV3(schema: V3, side: Side): Look {
  const def = schema._def;
  switch (def.typeName) {
    case Kind.ZodObject:
      return {
        parts: [
          ...Object.entries(def.shape()).map(([key, one]): Part => [`.${key}`, one as Schema]),
          ['.*', def.catchall],
        ],
      };
    case Kind.ZodArray:
      return { parts: [['[]', def.type]] };
    case Kind.ZodTuple:
      return {
        parts: [
          ...(def.items ?? []).map((one: Schema, index: number): Part => [`[${index}]`, one]),
          ...(def.rest === null ? [] : [['[]', def.rest] satisfies Part]),
        ],
      };
    case Kind.ZodRecord:
      return { parts: [['.*', def.valueType]] };
    case Kind.ZodUnion:
    case Kind.ZodDiscriminatedUnion:
      return { parts: def.options.map((one: Schema): Part => ['', one]) };
    case Kind.ZodIntersection:
      return {
        parts: [
          ['', def.left],
          ['', def.right],
        ],
      };
    case Kind.ZodPipeline:
      return { parts: [['', side === 'output' ? def.out : def.in]] };
    case Kind.ZodEffects:
      // The result of a transform is known only when it runs.
      if (def.effect.type === 'refinement') return { parts: [['', def.schema]] };
      return { parts: (def.effect.type === 'transform') === (side === 'input') ? [['', def.schema]] : [] };
    case Kind.ZodLazy:
      return { parts: [['', def.getter()]] };
    case Kind.ZodLiteral:
      return { parts: [], refused: typeof def.value === 'bigint' ? 'bigint' : undefined };
    case Kind.ZodBigInt:
      return { parts: [], refused: def.coerce && side === 'input' ? undefined : 'bigint' };
    case Kind.ZodOptional:
    case Kind.ZodNullable:
    case Kind.ZodReadonly:
    case Kind.ZodDefault:
    case Kind.ZodCatch:
      return { parts: [['', def.innerType]] };
    case Kind.ZodBranded:
      return { parts: [['', def.type]] };
    default: {
      const kind = String(def.typeName).replace(/^Zod/, '').toLowerCase();
      return { parts: [], refused: kind in INSTEAD ? kind : undefined };
    }
  }
}
