import { createRequire } from 'node:module';

type Schema = { required?: unknown; properties?: unknown };
type Ajv = { compile(schema: Schema): unknown };
type Util = { useAjvCache: (ajv: Ajv, schema: Schema, key: string) => unknown };
type SchemaValidator = { OpenAPISchemaValidator: new (options: never) => unknown };

let areSchemasDone = false;

/**
 * Makes express-openapi-validator compile its schemas only once; this was a third of the CPU of a start. It
 * compiles two schemas per operation, each with the complete document in it. Most are equal to those of
 * another operation, and none refers to the document (validator.ts). It also compiles the schema of OpenAPI
 * documents, although `validateApiSpec` is off: a test validates our document instead.
 * The library looks up both functions at each call, so they can be replaced. If a later version does not,
 * only the start gets slower.
 */
export function compileSchemasOnce(): void {
  if (areSchemasDone) return;
  areSchemasDone = true;
  const ofValidator = requireOfValidator();
  replace(ofValidator('./middlewares/util') as Util, 'useAjvCache', cacheOfSchemas());
  const framework = ofValidator('./framework/openapi.schema.validator') as SchemaValidator;
  replace(framework, 'OpenAPISchemaValidator', class {});
}

/** Compiles a schema, or gives the compiled form of an equal one. */
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

/** The function of path-to-regexp by which express-openapi-validator compiles the path of a route. */
type Compile = (path: string, options: Options) => object;
type Options = { sensitive: boolean; strict: boolean };

let arePathsDone = false;

/**
 * Makes express-openapi-validator compile each path only once. It compiles paths again for each request, one
 * after the other until one matches; this was a seventh of the cost of a submission (issue 7). The compiled
 * form has no state, and there are only as many as the document has paths. The library looks up the function
 * at each call, so it can be replaced. If a later version does not, only requests get slower.
 */
export function compilePathsOnce(): void {
  if (arePathsDone) return;
  arePathsDone = true;
  const ofValidator = requireOfValidator();
  const library = ofValidator('path-to-regexp') as { pathToRegexp: Compile };
  if (Object.getOwnPropertyDescriptor(library, 'pathToRegexp')?.writable !== true) return;
  const compile = library.pathToRegexp;
  const compiled = new Map<string, object>();
  library.pathToRegexp = (path, options) => {
    const key = `${options.sensitive} ${options.strict} ${path}`;
    let made = compiled.get(key);
    if (made === undefined) {
      made = compile(path, options);
      compiled.set(key, made);
    }
    return made;
  };
}

/** Resolves modules from the folder of express-openapi-validator. */
function requireOfValidator(): NodeJS.Require {
  return createRequire(createRequire(import.meta.url).resolve('express-openapi-validator'));
}
