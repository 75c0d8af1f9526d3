import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { type Detail, MAX_DETAILS } from '../errors.ts';
import { detail, got, hasMoreParts, pointerPart, valueAt } from '../json/json.ts';
import type { JsonSchema } from '../schema.ts';

/**
 * For a value with more parts than this, only the first problem is reported. Finding all of them takes
 * seconds and gigabytes if there are millions (measured: 8 s and 3 GB for the tags of an 8 MB body).
 */
const MAX_PARTS = 10_000;

/**
 * Gives the problems of a value, at most `most` (default: MAX_DETAILS). `path` is its JSON Pointer in the
 * request.
 */
export type Checker = (value: unknown, path: string, most?: number) => Detail[];

const judges = { first: createAjv({ allErrors: false }), all: createAjv({ allErrors: true }) };

function createAjv(options: { allErrors: boolean; meta?: false }): Ajv2020 {
  const ajv = new Ajv2020({ ...options, strict: false, validateSchema: false, logger: false });
  formats.default(ajv);
  return ajv;
}

type Kind = keyof typeof judges;

/** Makes the checker of a JSON Schema. It is compiled on first use. */
export function checker(schema: JsonSchema): Checker {
  return checkerOf((kind) => judges[kind].compile(schema));
}

/**
 * Makes the checker of a schema that another process has registered. It is compiled now, apart from all other
 * schemas: they may have the same `$id`, and its memory is free when nobody uses it. Throws if it cannot be
 * compiled.
 */
export function checkerApart(schema: JsonSchema): Checker {
  const compile = (kind: Kind): ValidateFunction =>
    createAjv({ allErrors: kind === 'all', meta: false }).compile(schema);
  const all = compile('all');
  return checkerOf((kind) => (kind === 'all' ? all : compile(kind)));
}

function checkerOf(compile: (kind: Kind) => ValidateFunction): Checker {
  const compiled: { [kind in Kind]?: ValidateFunction } = {};
  return (value, path, most = MAX_DETAILS) => {
    const kind = most === 1 || hasMoreParts(value, MAX_PARTS) ? 'first' : 'all';
    compiled[kind] ??= compile(kind);
    const validate = compiled[kind];
    return validate(value)
      ? []
      : (validate.errors as ErrorObject[]).slice(0, most).map((error) => toDetail(error, value, path));
  };
}

function toDetail(error: ErrorObject, value: unknown, path: string): Detail {
  const { additionalProperty, missingProperty, allowedValues } = error.params as {
    additionalProperty?: string;
    missingProperty?: string;
    allowedValues?: unknown[];
  };
  const key = additionalProperty ?? missingProperty;
  const pointer = key === undefined ? error.instancePath : `${error.instancePath}/${pointerPart(key)}`;
  const allowed = allowedValues === undefined ? '' : `: ${allowedValues.join(', ')}`;
  const words = WORDS[error.keyword] ?? String(error.message);
  return detail(`${path}${pointer}`, `${words}${allowed}${got(valueAt(value, pointer))}`);
}

/** The same messages as for payloads, which Zod validates (verdict/messages.ts). */
const WORDS: Record<string, string> = {
  additionalProperties: 'is not a known property',
  required: 'is required',
};
