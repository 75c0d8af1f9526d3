import fc from 'fast-check';
import {
  type OpenApiDocument,
  type Operation,
  parametersOf,
  type RequestBody,
} from '../../../api/openapi/schemas/document.ts';
import type { Parameter } from '../../../api/openapi/schemas/parameters.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import { merged, record, resolve, type Source, valid } from './values.ts';

/** An operation of the document with where it is. */
export type Located = {
  path: string;
  method: string;
  operation: Operation<Parameter> & { parameters: Parameter[] };
};

/** A request in its parts. Path and query are as they are sent, encoded already. */
export type ApiRequest = {
  method: string;
  path: string;
  query: [name: string, value: string][];
  headers: Record<string, string>;
  /** The body as a JSON value; with `text` it is not sent. */
  json?: unknown;
  /** The body as it is sent, instead. */
  text?: string | Uint8Array;
};

/** Longer headers are none of the API's business: Node refuses them before. */
const MAX_HEADER_LENGTH = 4_000;

/** Every operation of a document. */
export function operationsOf(document: OpenApiDocument): Located[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => typeof operation === 'object' && 'responses' in operation)
      .map(([method, operation]) => ({
        path,
        method,
        operation: {
          ...operation,
          parameters: parametersOf(document, operation),
          ...(operation.requestBody && { requestBody: withExamples(document, operation.requestBody) }),
        },
      })),
  );
}

/** A body with its examples, though the schemas of what is sent may have them. */
export function withExamples(document: OpenApiDocument, body: RequestBody): RequestBody {
  const content = Object.entries(body.content).map(([type, { schema, example }]) => [
    type,
    { schema, example: example ?? exampleOf(document, schema) },
  ]);
  return { ...body, content: Object.fromEntries(content) };
}

/** The example of a schema, or one made of those of its properties and items. */
function exampleOf(document: OpenApiDocument, given: JsonSchema): unknown {
  const schema = resolve({ document, words: {}, ids: [] }, given);
  const { examples, properties, items } = schema;
  if (Array.isArray(examples)) return examples[0];
  if (items !== undefined) return [exampleOf(document, items as JsonSchema)];
  if (properties === undefined) return undefined;
  const own = Object.entries(properties as Record<string, JsonSchema>);
  const values = own.map(([key, one]) => [key, exampleOf(document, one)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Requests of an operation that are as the document wants them. */
export function validRequest(source: Source, { path, method, operation }: Located): fc.Arbitrary<ApiRequest> {
  const { parameters } = operation;
  return fc
    .record({
      path: partsOf(source, parameters, 'path'),
      query: partsOf(source, parameters, 'query'),
      header: partsOf(source, parameters, 'header'),
      body: bodyOf(source, operation),
    })
    .map((parts) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{(\w+)\}/g, (_match, name: string) =>
        encode(String(parts.path[name] ?? 'none')),
      ),
      query: Object.entries(parts.query).flatMap(([name, value]) => inQuery(name, value)),
      headers: {
        ...Object.fromEntries(Object.entries(parts.header).map(([name, value]) => [name, inHeader(value)])),
        ...(parts.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(parts.body === undefined ? {} : { json: parts.body }),
    }));
}

function partsOf(
  source: Source,
  parameters: Parameter[],
  where: string,
): fc.Arbitrary<Record<string, unknown>> {
  const here = parameters.filter((parameter) => parameter.in === where);
  const values = here.map(({ name, schema }): [string, fc.Arbitrary<unknown>] => [
    name,
    valid(source, schema, name),
  ]);
  const requiredKeys = here.filter(({ required }) => required === true).map(({ name }) => name);
  return record(values, requiredKeys);
}

/** By its schema, or the example with some of what its schema allows beside. */
function bodyOf(source: Source, { requestBody }: Located['operation']): fc.Arbitrary<unknown> {
  const content = requestBody?.content['application/json'];
  if (content === undefined) return fc.constant(undefined);
  const made = valid(source, content.schema);
  const { example } = content;
  if (typeof example !== 'object' || example === null) return made;
  const optional = withoutRequired(source, content.schema, Object.keys(example));
  return fc.oneof(
    { weight: 2, arbitrary: made },
    { weight: 1, arbitrary: fc.constant(example) },
    { weight: 2, arbitrary: valid(source, optional).map((more) => ({ ...(more as object), ...example })) },
  );
}

function withoutRequired(source: Source, given: JsonSchema, names: string[]): JsonSchema {
  const schema = merged(source, given);
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
  const others = Object.entries(properties).filter(([key]) => !names.includes(key));
  return { ...schema, required: [], properties: Object.fromEntries(others) };
}

/** A text as a part of a path or query. A lone surrogate, which can't be encoded, becomes U+FFFD. */
export function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function inQuery(name: string, value: unknown): [string, string][] {
  return [value].flat().map((one) => [encode(name), encode(String(one))]);
}

/** A value as Node can send it in a header: each byte of its UTF-8 is a character. */
export function inHeader(value: unknown): string {
  const bytes = Buffer.from(String(value), 'utf8').toString('latin1');
  return bytes.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, ' ').slice(0, MAX_HEADER_LENGTH);
}
