/** A JSON Schema (draft 2020-12) as OpenAPI 3.1 has it. */
export type Schema = Record<string, unknown>;

const TYPES = ['object', 'array', 'string', 'number', 'boolean', 'null'];

/** A schema as schemas of one type each: its `$ref`, `allOf`, `oneOf`, `anyOf` and lists of types are written out. */
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

/** Once the parts are together, what none of them has evaluated is what none of them has as a property. */
function closed({ unevaluatedProperties, ...schema }: Schema): Schema {
  return unevaluatedProperties === undefined || 'additionalProperties' in schema
    ? schema
    : { ...schema, additionalProperties: unevaluatedProperties };
}

/** The alternatives of a part, which may leave the type to what is beside it. */
function untyped(root: Schema, part: Schema): Schema[] {
  const isPlain = !['$ref', 'allOf', 'oneOf', 'anyOf'].some((key) => key in part);
  return isPlain ? [part] : alternatives(root, part);
}

/** What a reference leads to. Throws when it leads nowhere. */
export function referred(root: object, ref: string): Schema {
  const parts = ref.replace(/^#\//, '').split('/');
  const found = parts.reduce<unknown>(
    (value, part) => (value as Schema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
    root,
  );
  if (found === undefined) throw new Error(`${ref} leads nowhere`);
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

/** A property that both have is what both say of it. */
function propertiesOfBoth(some: Schema = {}, others: Schema = {}): Schema {
  const shared = Object.keys(some).filter((key) => key in others && some[key] !== others[key]);
  const merged = shared.map((key) => [key, { allOf: [some[key], others[key]] }]);
  return { ...some, ...others, ...Object.fromEntries(merged) };
}

/** A whole number is a number. */
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

/** The only values of a schema, when it lists them. */
export function valuesOf(schema: Schema): unknown[] | undefined {
  return 'const' in schema ? [schema.const] : (schema.enum as unknown[] | undefined);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
