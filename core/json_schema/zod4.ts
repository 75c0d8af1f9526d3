import { z } from 'zod';
import type { JsonSchema, Side } from '../schema.ts';
import { dateSchema, describeDivisors, dropInfinite, isHeldByJson, sayInWords, widen } from './keywords.ts';
import { describeText, type TextRule } from './text.ts';

type Known = z.core.$ZodTypes;
type Check = z.core.$ZodChecks | z.core.$ZodStringFormatChecks;

/**
 * The JSON Schema 2020-12 of a Zod 4 schema, made by Zod's own function, and never stricter than Zod
 * (specification T3, D2).
 */
export function schemaOfZod4(schema: z.ZodType, io: Side): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => describe(zodSchema as Known, jsonSchema as JsonSchema, io),
  });
  return JSON.parse(JSON.stringify(json)) as JsonSchema;
}

/** Corrects the description of one part of a schema. */
function describe(schema: Known, json: JsonSchema, io: Side): void {
  const { def } = schema._zod;
  delete json.readOnly;
  // Branches may overlap once one of them is described more widely.
  if (json.oneOf !== undefined) {
    json.anyOf = json.oneOf;
    delete json.oneOf;
  }
  dropInfinite(json);
  if ('defaultValue' in def && !isHeldByJson(def.defaultValue)) delete json.default;
  if (def.type === 'catch' && !isHeldByJson(json.default)) delete json.default;
  if (def.type === 'date') {
    widen(json);
    Object.assign(json, dateSchema(io === 'input' && def.coerce === true));
  } else if (io === 'input' && takesAnything(schema)) widen(json);
  else describeKind(schema, json, io);
}

function describeKind(schema: Known, json: JsonSchema, io: Side): void {
  const { def } = schema._zod;
  switch (def.type) {
    case 'string':
      describeString(schema, json);
      break;
    case 'template_literal':
      describeText(json, [{ format: 'regex', pattern: schema._zod.pattern }]);
      break;
    case 'number':
      describeDivisors(json, divisorsOf(schema));
      break;
    case 'object':
      describeObject(def, json, io);
      break;
    case 'tuple':
      describeTuple(def, json, io);
      break;
    case 'record':
      if (io === 'input' && def.valueType._zod.optin !== undefined) delete json.required;
      break;
    case 'undefined':
    case 'void':
      json.not = {};
      break;
    default:
  }
}

/** Whether code or a conversion sees the caller's value before its type is checked. */
function takesAnything(schema: Known): boolean {
  const { def } = schema._zod;
  if (def.type === 'catch' || def.type === 'success') return true;
  if (def.type === 'pipe') return (def.in as Known)._zod.def.type === 'transform';
  return 'coerce' in def && def.coerce === true;
}

function checksOf(schema: Known): Check[] {
  const own = schema._zod.traits.has('$ZodCheck') ? [schema as unknown as Check] : [];
  return [...own, ...((schema._zod.def.checks ?? []) as Check[])];
}

function describeString(schema: Known, json: JsonSchema): void {
  const checks = checksOf(schema);
  // Rules apply to the normalised text: `"  abc  "` may count as three letters.
  if (checks.some((one) => one._zod.def.check === 'overwrite')) {
    delete json.minLength;
    delete json.maxLength;
    delete json.contentEncoding;
    describeText(json, []);
    sayInWords(json, ['is normalised before it is checked']);
    return;
  }
  const rules = checks.flatMap(({ _zod: { def } }): TextRule[] => {
    if (def.check !== 'string_format') return [];
    // The expression for a position is wrong for text of several lines.
    const isInexact = 'position' in def && def.position !== undefined;
    return [{ format: def.format, pattern: def.pattern, isInexact }];
  });
  describeText(json, rules);
}

function divisorsOf(schema: Known): number[] {
  return checksOf(schema).flatMap(({ _zod: { def } }) =>
    def.check === 'multiple_of' ? [Number(def.value)] : [],
  );
}

/** Objects that list their properties are closed. A property is optional if Zod accepts its absence. */
function describeObject(def: z.core.$ZodObjectDef, json: JsonSchema, io: Side): void {
  if (def.catchall === undefined) json.additionalProperties = false;
  if (io === 'output') return;
  const required = Object.entries(def.shape).flatMap(([key, part]) =>
    part._zod.optin === undefined ? [key] : [],
  );
  if (required.length > 0) json.required = required;
  else delete json.required;
}

function describeTuple(def: z.core.$ZodTupleDef, json: JsonSchema, io: Side): void {
  if (def.items.length === 0) delete json.prefixItems;
  if (def.items.length === 0 && def.rest === null) json.maxItems = 0;
  if (io === 'output') return;
  const needed = def.items.findLastIndex((part) => part._zod.optin === undefined) + 1;
  if (needed > 0) json.minItems = needed;
  else delete json.minItems;
}
