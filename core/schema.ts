import type { z } from 'zod';
import type * as z3 from 'zod/v3';
import type { Detail } from './errors.ts';

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

/** Which side of a schema is meant: what it takes, or what it makes of that. */
export type Side = 'input' | 'output';

/**
 * The value with defaults and transforms applied, or everything that is wrong with it. `thrown` is what the code of the
 * definition threw, if it did: for logs, since callers are not told what it says.
 */
export type Parsed<T = unknown> = { ok: true; value: T } | { ok: false; details: Detail[]; thrown?: unknown };

/** Whether a schema is one of Zod 4. */
export function isZod4(schema: Schema): schema is z.ZodType {
  return '_zod' in schema;
}
