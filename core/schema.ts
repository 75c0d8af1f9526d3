import { z } from 'zod';
import type * as z3 from 'zod/v3';
import type { Detail } from './errors.ts';
import { pointerPart } from './json.ts';
import { schemaOfV3 } from './schema_v3.ts';

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
 * The JSON Schema of what a caller may send or, for `output`, of what the schema makes of it. Objects are closed:
 * an unknown field is an error, unless the schema itself is loose. Throws when JSON Schema can't express it.
 *
 * zod-to-json-schema gives an EMPTY schema for a Zod 4 object, which would accept anything, so it sees
 * `zod/v3` schemas only (specification T3).
 */
export function toJsonSchema(schema: Schema, io: 'input' | 'output' = 'input'): JsonSchema {
  const json: JsonSchema = isZod4(schema)
    ? z.toJSONSchema(schema, { io, override: refine })
    : schemaOfV3(schema, io);
  delete json.$schema;
  // It becomes a part of other documents, where these would point elsewhere.
  if (/"\$ref":"#/.test(JSON.stringify(json))) {
    throw new Error('it refers to itself, or to another schema by `id`: write it out instead');
  }
  return json;
}

function isZod4(schema: Schema): schema is z.ZodType {
  return '_zod' in schema;
}

function refine({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: JsonSchema }): void {
  closeObject(jsonSchema);
  for (const { _zod } of [zodSchema, ...(zodSchema._zod.def.checks ?? [])]) {
    const pattern = 'pattern' in _zod.def ? _zod.def.pattern : undefined;
    if (pattern instanceof RegExp && /[ims]/.test(pattern.flags)) {
      throw new Error(`the flags of ${pattern} would be lost: write them into the expression`);
    }
  }
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
  // Not through Standard Schema: it tries without waiting first, and a promise that is then dropped may reject.
  return toParsed(await schema.safeParseAsync(value), path);
}

/** The same at once; undefined when the schema is asynchronous, or throws. */
export function parseNow<S extends Schema>(
  schema: S,
  value: unknown,
  path: string,
): Parsed<SchemaOutput<S>> | undefined {
  try {
    return toParsed(schema.safeParse(value), path);
  } catch {
    return undefined;
  }
}

type Outcome = { success: boolean; data?: unknown; error?: { issues: readonly Issue[] } | undefined };
type Issue = { path: readonly PropertyKey[]; message: string };

function toParsed<S extends Schema>(outcome: Outcome, path: string): Parsed<SchemaOutput<S>> {
  if (outcome.error === undefined) return { ok: true, value: outcome.data as SchemaOutput<S> };
  const details = outcome.error.issues.map((issue) => ({
    path: [path, ...issue.path.map((part) => pointerPart(String(part)))].join('/'),
    message: issue.message,
  }));
  return { ok: false, details };
}
