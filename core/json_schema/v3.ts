import * as z3 from 'zod/v3';
import { ignoreOverride, type Refs, type Seen, zodToJsonSchema } from 'zod-to-json-schema';
import { pointerPart } from '../json/json.ts';
import type { JsonSchema, Side } from '../schema.ts';
import {
  dateSchema,
  describeDivisors,
  dropInfinite,
  isHeldByJson,
  referred,
  sayInWords,
} from './keywords.ts';
import { describeText, type TextRule } from './text.ts';

const { ZodFirstPartyTypeKind: Kind } = z3;
type Def = z3.ZodFirstPartySchemaTypes['_def'];

/**
 * The JSON Schema 2020-12 of a `zod/v3` schema, made by zod-to-json-schema, and never stricter than the
 * schema. For a Zod 4 object that library gives an EMPTY schema, which would accept anything, so it receives
 * only `zod/v3` schemas (specification T3).
 */
export function schemaOfV3(schema: z3.ZodTypeAny, io: Side): JsonSchema {
  const json = zodToJsonSchema(schema, {
    $refStrategy: 'none',
    applyRegexFlags: false,
    pipeStrategy: io,
    target: 'jsonSchema2019-09',
    override: (def, refs, seen) => described(def as Def, io, refs, seen) ?? ignoreOverride,
    postProcess: (part, def) => part && modern({ ...part, ...keysOf(def as Def) }),
  }) as JsonSchema;
  return withNamedParts(JSON.parse(JSON.stringify(json)) as JsonSchema);
}

/** The description of types that the library describes wrongly; otherwise undefined. */
function described(def: Def, io: Side, refs: Refs, seen: Seen | undefined): JsonSchema | undefined {
  if (isInside(refs, seen)) return { $ref: (seen?.path ?? []).map(pointerPart).join('/') };
  const annotated = (json: JsonSchema): JsonSchema =>
    def.description === undefined ? json : { description: def.description, ...json };
  if (def.typeName === Kind.ZodDate) return annotated(dateSchema(io === 'input' && def.coerce));
  if (def.typeName === Kind.ZodUndefined || def.typeName === Kind.ZodVoid) return annotated({ not: {} });
  if (def.typeName === Kind.ZodLiteral && def.value === null) return annotated({ type: 'null' });
  if (io === 'input' && takesAnything(def)) return annotated({});
  if (io === 'output' && def.typeName === Kind.ZodEffects && def.effect.type === 'transform')
    return annotated({});
  if (def.typeName === Kind.ZodString) return annotated(textOf(def));
  if (def.typeName === Kind.ZodNumber) return annotated(numberOf(def));
  return undefined;
}

/** Whether a schema contains itself. */
function isInside(refs: Refs, seen: Seen | undefined): boolean {
  return (
    seen !== undefined &&
    seen.path.length < refs.currentPath.length &&
    seen.path.every((part, index) => refs.currentPath[index] === part)
  );
}

function takesAnything(def: Def): boolean {
  // The library does not call `override` for the parts of these if they are simple.
  if (def.typeName === Kind.ZodNullable) return takesAnything(def.innerType._def);
  if (def.typeName === Kind.ZodUnion)
    return def.options.some(({ _def }: { _def: Def }) => takesAnything(_def));
  if (def.typeName === Kind.ZodCatch) return true;
  if (def.typeName === Kind.ZodEffects) return def.effect.type === 'preprocess';
  return 'coerce' in def && def.coerce === true;
}

/** The rules for the keys of a record. The library does not call `override` for them. */
function keysOf(def: Def): JsonSchema {
  if (def.typeName !== Kind.ZodRecord) return {};
  const key: Def = def.keyType instanceof z3.ZodBranded ? def.keyType._def.type._def : def.keyType._def;
  if (key.typeName !== Kind.ZodString || key.checks.length === 0) return {};
  const { type: _text, ...propertyNames } = textOf(key);
  return { propertyNames };
}

function textOf({ checks }: z3.ZodStringDef): JsonSchema {
  const json: JsonSchema = { type: 'string' };
  if (checks.some(({ kind }) => kind === 'trim' || kind === 'toLowerCase' || kind === 'toUpperCase')) {
    sayInWords(json, ['is normalised before it is checked']);
    return json;
  }
  const rules: TextRule[] = [];
  for (const check of checks) {
    // `zod/v3` counts an emoji as two characters, JSON Schema as one. So the lower bound is halved, to fit a
    // text of emojis.
    if (check.kind === 'min' || check.kind === 'length')
      json.minLength = Math.max(Math.ceil(check.value / 2), Number(json.minLength ?? 0));
    if (check.kind === 'max' || check.kind === 'length')
      json.maxLength = Math.min(check.value, Number(json.maxLength ?? Number.POSITIVE_INFINITY));
    if (check.kind === 'regex') rules.push({ format: 'regex', pattern: check.regex });
    else if (!['min', 'max', 'length'].includes(check.kind)) rules.push({ format: check.kind });
  }
  describeText(json, rules);
  dropInfinite(json);
  return json;
}

function numberOf({ checks }: z3.ZodNumberDef): JsonSchema {
  const json: JsonSchema = { type: 'number' };
  for (const check of checks) {
    if (check.kind === 'int') json.type = 'integer';
    if (check.kind === 'min') {
      const key = check.inclusive ? 'minimum' : 'exclusiveMinimum';
      json[key] = Math.max(check.value, Number(json[key] ?? Number.NEGATIVE_INFINITY));
    }
    if (check.kind === 'max') {
      const key = check.inclusive ? 'maximum' : 'exclusiveMaximum';
      json[key] = Math.min(check.value, Number(json[key] ?? Number.POSITIVE_INFINITY));
    }
  }
  describeDivisors(
    json,
    checks.flatMap((check) => (check.kind === 'multipleOf' ? [check.value] : [])),
  );
  dropInfinite(json);
  return json;
}

/** Converts tuples from the style of 2019-09, which zod-to-json-schema writes. */
function modern({ additionalItems, readOnly, ...json }: JsonSchema): JsonSchema {
  if (Array.isArray(json.items)) {
    if (json.items.length > 0) json.prefixItems = json.items;
    json.items = additionalItems ?? false;
  }
  dropInfinite(json);
  if ('default' in json && !isHeldByJson(json.default)) delete json.default;
  return json;
}

/**
 * Gives each recursive part a name in `$defs`. A pointer into a schema would break if the schema is placed
 * elsewhere.
 */
function withNamedParts(root: JsonSchema): JsonSchema {
  const named = new Map<string, string>();
  const defs: Record<string, JsonSchema> = {};
  JSON.stringify(root, (_key, value: unknown) => {
    const ref = typeof value === 'object' && value !== null && '$ref' in value ? value.$ref : undefined;
    if (typeof ref === 'string' && ref !== '#') named.set(ref, '');
    return value;
  });
  for (const ref of named.keys()) {
    const name = `part${Object.keys(defs).length}`;
    const part = referred(root, ref);
    named.set(ref, name);
    // The place was replaced by a wider description.
    defs[name] = part === undefined ? {} : { ...part };
    if (part !== undefined) {
      for (const key of Object.keys(part)) delete part[key];
      part.$ref = ref;
    }
  }
  if (named.size === 0) return root;
  const renamed = JSON.stringify({ ...root, $defs: defs }, (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && named.has(value) ? `#/$defs/${named.get(value)}` : value,
  );
  return JSON.parse(renamed) as JsonSchema;
}
