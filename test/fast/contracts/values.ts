import fc from 'fast-check';
import type { JsonSchema } from '../../../core/schema.ts';
import { goodText, jsonOf } from '../core/arbitraries.ts';

/** What the values of a document are made from. */
export type Source = {
  /** The document, to which `$ref` points. */
  document: { components: { schemas: Record<string, JsonSchema> } };
  /** Texts that mean something to the API, by the name of the property or parameter that holds them. */
  words: Record<string, readonly string[]>;
  /** What stands where a UUID is asked for. */
  ids: readonly string[];
};

/** Deeper than this only what is required is made: a schema may contain itself. */
const MAX_DEPTH = 6;
/** However many a schema allows. */
const MAX_ITEMS = 4;
/** Texts as long as their schema allows, if that is not more than this. */
const MAX_LENGTH = 2_000;

/** The schema that a `$ref` leads to, or the one given. */
export function resolve({ document }: Source, schema: JsonSchema): JsonSchema {
  if (typeof schema.$ref !== 'string') return schema;
  const found = document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
  if (found === undefined) throw new Error(`The document has no ${schema.$ref}`);
  const { $ref: _, ...beside } = schema;
  return resolve({ document, words: {}, ids: [] }, { ...found, ...beside });
}

/** Values of a JSON Schema (draft 2020-12). `name` is what holds them, so that it can be met with a word of its own. */
export function valid(source: Source, given: JsonSchema, name = '', depth = 0): fc.Arbitrary<unknown> {
  const schema = merged(source, given);
  if ('const' in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const alternatives = (schema.oneOf ?? schema.anyOf) as JsonSchema[] | undefined;
  if (alternatives !== undefined) {
    const { oneOf: _one, anyOf: _any, ...base } = schema;
    return fc.oneof(
      ...alternatives.map((one) => valid(source, combine(base, resolve(source, one)), name, depth)),
    );
  }
  const types = [schema.type ?? guessType(schema)].flat() as string[];
  return fc.oneof(...types.map((type) => ofType(source, schema, type, name, depth)));
}

/** A schema without `$ref` and `allOf`: what they ask for is in it. */
export function merged(source: Source, given: JsonSchema): JsonSchema {
  const { allOf, unevaluatedProperties, ...own } = resolve(source, given);
  if (unevaluatedProperties !== undefined) own.additionalProperties = unevaluatedProperties;
  if (!Array.isArray(allOf)) return own;
  return (allOf as JsonSchema[]).map((part) => merged(source, part)).reduce(combine, own);
}

function combine(one: JsonSchema, other: JsonSchema): JsonSchema {
  const both: JsonSchema = { ...one, ...other };
  if (one.properties || other.properties) {
    both.properties = { ...(one.properties as object), ...(other.properties as object) };
  }
  if (one.required || other.required) {
    both.required = [...((one.required ?? []) as string[]), ...((other.required ?? []) as string[])];
  }
  return both;
}

function guessType(schema: JsonSchema): string {
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) return 'object';
  if (schema.items !== undefined) return 'array';
  return schema.pattern === undefined && schema.format === undefined ? 'any' : 'string';
}

function ofType(
  source: Source,
  schema: JsonSchema,
  type: string,
  name: string,
  depth: number,
): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return numbers(schema, type);
    case 'string':
      return texts(source, schema, name);
    case 'array':
      return arrays(source, schema, name, depth);
    case 'object':
      return objects(source, schema, depth);
    default:
      return jsonOf(goodText);
  }
}

function numbers(schema: JsonSchema, type: 'integer' | 'number'): fc.Arbitrary<number> {
  const above = schema.exclusiveMinimum as number | undefined;
  const below = schema.exclusiveMaximum as number | undefined;
  const limit = type === 'integer' ? Number.MAX_SAFE_INTEGER : 1e15;
  const least = (schema.minimum as number | undefined) ?? above ?? -limit;
  const most = (schema.maximum as number | undefined) ?? below ?? limit;
  const inside = (value: number): boolean =>
    value >= least && value <= most && value !== above && value !== below;
  const step = schema.multipleOf as number | undefined;
  if (type === 'integer' || step !== undefined) {
    const unit = step ?? 1;
    const min = Math.ceil(least / unit);
    const max = Math.floor(most / unit);
    return fc
      .integer({ min, max })
      .map((count) => count * unit)
      .filter(inside);
  }
  return fc
    .oneof(fc.double({ min: least, max: most, noNaN: true }), fc.constantFrom(least, most))
    .map((value) => value + 0 || 0)
    .filter(inside);
}

/** From the year 1 to 9999, with and without a fraction, in UTC or beside it. */
const times = fc
  .tuple(
    fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
    fc.constantFrom('Z', '+00:00', '-11:30', '+14:00'),
    fc.boolean(),
  )
  .map(([date, zone, isComplete]) => `${date.toISOString().slice(0, isComplete ? 19 : 23)}${zone}`);

function texts(source: Source, schema: JsonSchema, name: string): fc.Arbitrary<string> {
  if (schema.format === 'uuid') {
    const ids = Object.hasOwn(source.words, name) ? (source.words[name] ?? []) : source.ids;
    return fc.oneof(fc.constantFrom(...ids), fc.uuid());
  }
  if (schema.format === 'date-time') return fc.oneof(times, nearNow);
  if (schema.format === 'date') return times.map((time) => time.slice(0, 10));
  if (schema.format === 'uri' || schema.format === 'uri-reference') return fc.webUrl();
  if (schema.format === 'email') return fc.emailAddress();
  const least = (schema.minLength as number | undefined) ?? 0;
  const most = Math.max(least, Math.min((schema.maxLength as number | undefined) ?? 40, MAX_LENGTH));
  const fits = (text: string): boolean => {
    const length = [...text].length;
    const bound = (schema.maxLength as number | undefined) ?? Number.POSITIVE_INFINITY;
    return length >= least && length <= bound;
  };
  const words = (Object.hasOwn(source.words, name) ? (source.words[name] ?? []) : []).filter(fits);
  const known = words.length === 0 ? [] : [{ weight: 8, arbitrary: fc.constantFrom(...words) }];
  if (typeof schema.pattern === 'string') {
    return fc.oneof(...known, {
      weight: 2,
      arbitrary: fc.stringMatching(new RegExp(schema.pattern)).filter(fits),
    });
  }
  return fc.oneof(
    ...known,
    { weight: 2, arbitrary: fc.string({ minLength: least, maxLength: Math.min(most, least + 20) }) },
    { weight: 1, arbitrary: unicode(least, Math.min(most, least + 20)) },
    {
      weight: 1,
      arbitrary: unicode(least, most).map((text) => text.padEnd(most, 'é').slice(0, most).toWellFormed()),
    },
  );
}

/** Any characters that Postgres can hold. */
function unicode(minLength: number, maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', minLength, maxLength }).map((text) => text.replaceAll('\0', ' '));
}

/** Within reach of what is there. */
const nearNow = fc
  .integer({ min: -1_000_000_000, max: 1_000_000_000 })
  .map((ms) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString());

function arrays(source: Source, schema: JsonSchema, name: string, depth: number): fc.Arbitrary<unknown> {
  const minLength = (schema.minItems as number | undefined) ?? 0;
  const bound = (schema.maxItems as number | undefined) ?? MAX_ITEMS;
  const maxLength = depth > MAX_DEPTH ? minLength : Math.max(minLength, Math.min(bound, MAX_ITEMS));
  const item = valid(source, (schema.items ?? {}) as JsonSchema, name, depth + 1);
  return schema.uniqueItems === true
    ? fc.uniqueArray(item, { minLength, maxLength, selector: (value) => JSON.stringify(value) })
    : fc.array(item, { minLength, maxLength });
}

function objects(source: Source, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const required = (schema.required ?? []) as string[];
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).filter(
    ([key]) => depth <= MAX_DEPTH || required.includes(key),
  );
  const values = properties.map(([key, property]): [string, fc.Arbitrary<unknown>] => [
    key,
    valid(source, property, key, depth + 1),
  ]);
  const own = record(
    values,
    required.filter((key) => properties.some(([known]) => known === key)),
  );
  if (schema.additionalProperties === false || depth > MAX_DEPTH) return own;
  const more = valid(
    source,
    (schema.additionalProperties ?? {}) === true ? {} : anySchema(schema),
    '',
    depth + 1,
  );
  const names = (schema.propertyNames ?? { type: 'string', minLength: 1, maxLength: 40 }) as JsonSchema;
  const keys = valid(source, { type: 'string', ...names }, '', depth + 1) as fc.Arbitrary<string>;
  const others = fc.dictionary(keys, more, { maxKeys: 3, noNullPrototype: true });
  return fc
    .tuple(own, fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: others }))
    .map(([known, unknown]) => ({ ...unknown, ...known }));
}

/**
 * Records of these values. Of many that may be left out most are: all at once contradict each other, and all filters
 * at once leave nothing.
 */
export function record(
  values: [string, fc.Arbitrary<unknown>][],
  requiredKeys: string[],
): fc.Arbitrary<Record<string, unknown>> {
  const all = fc.record(Object.fromEntries(values), { requiredKeys, noNullPrototype: true });
  const optional = values.map(([key]) => key).filter((key) => !requiredKeys.includes(key));
  if (optional.length < 4) return all;
  const few = fc.subarray(optional, { maxLength: 3 });
  return fc
    .tuple(fc.record(Object.fromEntries(values), { noNullPrototype: true }), few)
    .map(([made, keys]) =>
      Object.fromEntries(
        Object.entries(made).filter(([key]) => requiredKeys.includes(key) || keys.includes(key)),
      ),
    );
}

function anySchema({ additionalProperties }: JsonSchema): JsonSchema {
  return typeof additionalProperties === 'object' ? (additionalProperties as JsonSchema) : {};
}
