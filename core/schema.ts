import type { z } from 'zod';
import type * as z3 from 'zod/v3';
import type { Detail } from './errors.ts';

/** A payload or result schema: Zod 4, or `zod/v3` for definitions from existing services. */
export type Schema = z.ZodType | z3.ZodTypeAny;

/** The input type of a schema, before defaults and transforms. */
export type SchemaInput<S> = S extends z.ZodType ? z.input<S> : S extends z3.ZodTypeAny ? S['_input'] : never;

/** The output type of a schema, after defaults and transforms. */
export type SchemaOutput<S> = S extends z.ZodType
  ? z.output<S>
  : S extends z3.ZodTypeAny
    ? S['_output']
    : never;

/** A JSON Schema 2020-12 document. */
export type JsonSchema = { [key: string]: unknown };

/** The side of a schema: the values that it takes, or the values that it gives. */
export type Side = 'input' | 'output';

/**
 * The value with defaults and transforms applied, or every problem. `thrown` is the error that the code of
 * the definition threw, if any. It is for logs; callers do not see its text.
 */
export type Parsed<T = unknown> = { ok: true; value: T } | { ok: false; details: Detail[]; thrown?: unknown };

/** Whether a schema is one of Zod 4. */
export function isZod4(schema: Schema): schema is z.ZodType {
  return '_zod' in schema;
}
