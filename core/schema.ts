import { z } from 'zod';
import type * as z3 from 'zod/v3';
import { zodToJsonSchema } from 'zod-to-json-schema';
import type { Detail } from './errors.ts';
import { pointerPart } from './json.ts';

/** A payload or result schema: Zod 4, or `zod/v3` for definitions that services bring along. */
export type Schema = z.ZodType | z3.ZodTypeAny;

/** What a caller sends for this schema, before defaults and transforms. */
export type SchemaInput<S> = S extends z.ZodType ? z.input<S> : S extends z3.ZodTypeAny ? S['_input'] : never;

/** What a handler gets for this schema, after defaults and transforms. */
export type SchemaOutput<S> = S extends z.ZodType
  ? z.output<S>
  : S extends z3.ZodTypeAny
    ? S['_output']
    : never;

/** A JSON Schema 2020-12 document. */
export type JsonSchema = { [key: string]: unknown };

/**
 * The JSON Schema of what a caller may send. Objects are closed: an unknown field is an error, unless the
 * schema itself is loose. Throws when JSON Schema can't express it.
 *
 * zod-to-json-schema gives an EMPTY schema for a Zod 4 object, which would accept anything, so it sees
 * `zod/v3` schemas only (specification T3).
 */
export function toJsonSchema(schema: Schema): JsonSchema {
  const json: JsonSchema = isZod4(schema)
    ? z.toJSONSchema(schema, { io: 'input', override: ({ jsonSchema }) => closeObject(jsonSchema) })
    : zodToJsonSchema(schema, { $refStrategy: 'none', target: 'jsonSchema2019-09' });
  delete json.$schema;
  return json;
}

function isZod4(schema: Schema): schema is z.ZodType {
  return '_zod' in schema;
}

function closeObject(json: JsonSchema): void {
  if (json.type === 'object' && json.properties !== undefined && json.additionalProperties === undefined) {
    json.additionalProperties = false;
  }
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; details: Detail[] };

/**
 * Parses a value with a schema: defaults and transforms applied, or every problem at once.
 * `path` is the JSON Pointer of the value itself; details point into it.
 */
export async function parseWith<S extends Schema>(
  schema: S,
  value: unknown,
  path: string,
): Promise<Parsed<SchemaOutput<S>>> {
  // Standard Schema is the one interface that Zod 4 and zod/v3 share.
  const outcome = await schema['~standard'].validate(value);
  if (outcome.issues === undefined) return { ok: true, value: outcome.value as SchemaOutput<S> };
  const details = outcome.issues.map((issue) => ({
    path: [path, ...(issue.path ?? []).map((part) => pointerPart(segment(part)))].join('/'),
    message: issue.message,
  }));
  return { ok: false, details };
}

function segment(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part);
}
