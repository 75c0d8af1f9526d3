/** A JSON Schema (draft 2020-12) as in OpenAPI 3.1. */
export type Schema = Record<string, unknown>;

const TYPES = ['object', 'array', 'string', 'number', 'boolean', 'null'];

/**
 * Splits a schema into schemas of one type each: its `$ref`, `allOf`, `oneOf`, `anyOf` and lists of
 * types are resolved.
 */
export function alternatives(root: Schema, given: unknown): Schema[] {
  if (given === false) return [];
  const { $ref, allOf, oneOf, anyOf, ...own } = (
    given === true || given === undefined ? {} : given
  ) as Schema;
  const parts = [
    ...($ref === undefined ? [] : [referred(root, String($ref))]),
    ...((allOf ?? []) as Schema[]),
  ];
  const choices = [oneOf, anyOf].filter((choice) => choice !== undefined) as Schema[][];
  let schemas: Schema[] = [own];
  for (const part of parts) schemas = product(schemas, untyped(root, part));
  for (const choice of choices)
    schemas = product(
      schemas,
      choice.flatMap((one) => untyped(root, one)),
    );
  return schemas.map(closed).flatMap(byType);
}

/**
 * After the parts are merged, `unevaluatedProperties` has the same meaning as
 * `additionalProperties`.
 */
function closed({ unevaluatedProperties, ...schema }: Schema): Schema {
  return unevaluatedProperties === undefined || 'additionalProperties' in schema
    ? schema
    : { ...schema, additionalProperties: unevaluatedProperties };
}

/** The alternatives of a part. A plain part may leave the type to the schema around it. */
function untyped(root: Schema, part: Schema): Schema[] {
  const isPlain = !['$ref', 'allOf', 'oneOf', 'anyOf'].some((key) => key in part);
  return isPlain ? [part] : alternatives(root, part);
}

/** The schema that a reference points to. Throws if it points to nothing. */
export function referred(root: object, ref: string): Schema {
  const parts = ref.replace(/^#\//, '').split('/');
  const found = parts.reduce<unknown>(
    (value, part) => (value as Schema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
    root,
  );
  if (found === undefined) throw new Error(`${ref} points to nothing in the document`);
  return found as Schema;
}

function product(some: Schema[], others: Schema[]): Schema[] {
  return some.flatMap((one) => others.map((other) => both(one, other)));
}

function both(one: Schema, other: Schema): Schema {
  const required = [...((one.required ?? []) as string[]), ...((other.required ?? []) as string[])];
  const properties = propertiesOfBoth(
    one.properties as Schema | undefined,
    other.properties as Schema | undefined,
  );
  return {
    ...one,
    ...other,
    ...(one.type === undefined ? {} : { type: typesOfBoth(typesOf(one), typesOf(other)) }),
    ...(required.length > 0 ? { required } : {}),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
  };
}

/** Merges properties. A property in both must satisfy both. */
function propertiesOfBoth(some: Schema = {}, others: Schema = {}): Schema {
  const shared = Object.keys(some).filter((key) => key in others && some[key] !== others[key]);
  const merged = shared.map((key) => [key, { allOf: [some[key], others[key]] }]);
  return { ...some, ...others, ...Object.fromEntries(merged) };
}

/** An integer is also a number. */
function typesOfBoth(some: string[], others: string[]): string[] {
  const within = (type: string, types: string[]): boolean =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return [
    ...new Set([
      ...some.filter((type) => within(type, others)),
      ...others.filter((type) => within(type, some)),
    ]),
  ];
}

function typesOf({ type }: Schema): string[] {
  return type === undefined ? [...TYPES, 'integer'] : ([type].flat() as string[]);
}

function byType(schema: Schema): Schema[] {
  const values = valuesOf(schema);
  const types = schema.type === undefined ? TYPES : ([schema.type].flat() as string[]);
  return types.flatMap((type) => {
    if (values === undefined) return [{ ...schema, type }];
    const ofType = values.filter((value) => typeOf(value) === (type === 'integer' ? 'number' : type));
    return ofType.length === 0 ? [] : [{ ...schema, type, ...('const' in schema ? {} : { enum: ofType }) }];
  });
}

/** The only values of a schema, if it lists them. */
export function valuesOf(schema: Schema): unknown[] | undefined {
  return 'const' in schema ? [schema.const] : (schema.enum as unknown[] | undefined);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
