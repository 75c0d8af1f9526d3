import { createRequire } from 'node:module';

type Schema = { required?: unknown; properties?: unknown };
type Ajv = { compile(schema: Schema): unknown };
type Util = { useAjvCache: (ajv: Ajv, schema: Schema, key: string) => unknown };
type SchemaValidator = { OpenAPISchemaValidator: new (options: never) => unknown };

let isDone = false;

/**
 * Has express-openapi-validator compile what it needs once, which was a third of the CPU of a start. It compiles two schemas for each
 * operation, each with the whole document in it; most are the same as another operation's, and none refers to the document
 * (validator.ts). And it compiles the schema of OpenAPI documents to validate ours, though it is told not to: a test does that.
 * It looks both up at each call, so it gets others; should it do so no longer, nothing changes but the time.
 */
export function compileSchemasOnce(): void {
  if (isDone) return;
  isDone = true;
  const ofValidator = createRequire(createRequire(import.meta.url).resolve('express-openapi-validator'));
  replace(ofValidator('./middlewares/util') as Util, 'useAjvCache', cacheOfSchemas());
  const framework = ofValidator('./framework/openapi.schema.validator') as SchemaValidator;
  replace(framework, 'OpenAPISchemaValidator', class {});
}

/** Compiles a schema, or gives what was compiled of an equal one. */
function cacheOfSchemas(): Util['useAjvCache'] {
  const compiled = new WeakMap<Ajv, Map<string, unknown>>();
  return (ajv, { required, properties }) => {
    const known = compiled.get(ajv) ?? new Map<string, unknown>();
    compiled.set(ajv, known);
    const key = JSON.stringify([required, properties]);
    if (!known.has(key))
      known.set(key, ajv.compile({ properties, ...(required === undefined ? {} : { required }) }));
    return known.get(key);
  };
}

function replace<Key extends string, Value>(library: Record<Key, Value>, key: Key, value: Value): void {
  if (Object.getOwnPropertyDescriptor(library, key)?.writable === true) library[key] = value;
}
