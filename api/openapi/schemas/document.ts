import type { JsonSchema } from '../../../core/schema.ts';
import type { Parameter } from './parameters.ts';
import type { Tag } from './tags.ts';

/** A reference to a component. */
export type Reference = { $ref: string };

/** The answer for one status. */
export type Answer = {
  description: string;
  headers?: Record<string, JsonSchema | Reference>;
  content?: Record<string, { schema: JsonSchema; example?: unknown }>;
};

/** The accepted kinds of credentials, each with its scopes. Empty if none are needed. */
export type Security = Record<string, string[]>[];

/** An operation of the document, with the fields that the code reads. */
export type Operation<P = Parameter | Reference> = {
  operationId: string;
  parameters?: P[];
  requestBody?: RequestBody;
  /** By status. `default` stands for all others. */
  responses: Record<string, Answer | Reference>;
  security?: Security;
  [key: string]: unknown;
};

/** The body of a request, by content type. */
export type RequestBody = {
  required: boolean;
  content: Record<string, { schema: JsonSchema; example?: unknown }>;
};

/** The operations of each path, by method. */
export type Paths = Record<string, Record<string, Operation>>;

/** Parts that the document contains once and refers to. */
export type Components = {
  schemas: Record<string, JsonSchema>;
  responses: Record<string, Answer>;
  parameters: Record<string, Parameter>;
  headers: Record<string, JsonSchema>;
  securitySchemes: Record<string, JsonSchema>;
};

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = {
  openapi: string;
  info: JsonSchema;
  servers: JsonSchema[];
  tags: Tag[];
  security: Security;
  paths: Paths;
  components: Components;
};

/** A reference to a component. */
export function refTo(kind: keyof Components, name: string): Reference {
  return { $ref: `#/components/${kind}/${name}` };
}

/** All operations of a document. */
export function operationsOf({ paths }: Pick<OpenApiDocument, 'paths'>): Operation[] {
  return Object.values(paths).flatMap((methods) => Object.values(methods));
}

/** The parameters of an operation, with references resolved. Throws if a reference does not exist. */
export function parametersOf(
  document: Pick<OpenApiDocument, 'components'>,
  { parameters = [] }: Pick<Operation, 'parameters'>,
): Parameter[] {
  return parameters.map((one) => {
    if (!('$ref' in one)) return one;
    const parameter = document.components.parameters[nameOf(one)];
    if (parameter === undefined) throw new Error(`The reference ${one.$ref} does not exist in the document`);
    return parameter;
  });
}

/**
 * The place of an operation's answer for a status, as the parts of a JSON Pointer (RFC 6901). Undefined if
 * that answer is not documented.
 */
export function placeOfAnswer(
  { paths }: Pick<OpenApiDocument, 'paths'>,
  [path, method]: [path: string, method: string],
  status: number,
): string[] | undefined {
  const responses = paths[path]?.[method]?.responses ?? {};
  const key = [String(status), 'default'].find((one) => one in responses);
  if (key === undefined) return undefined;
  const answer = responses[key];
  return answer !== undefined && '$ref' in answer
    ? ['components', 'responses', nameOf(answer)]
    : ['paths', path, method, 'responses', key];
}

/** The answer of an operation for a status, with references resolved; undefined if there is none. */
export function answerOf(
  document: Pick<OpenApiDocument, 'paths' | 'components'>,
  [path, method]: [path: string, method: string],
  status: number,
): Answer | undefined {
  const place = placeOfAnswer(document, [path, method], status);
  if (place?.[0] === 'components') return document.components.responses[place[2] ?? ''];
  const answer = document.paths[path]?.[method]?.responses[place?.[4] ?? ''];
  return answer === undefined || '$ref' in answer ? undefined : answer;
}

/** The component name in a reference. */
function nameOf({ $ref }: Reference): string {
  return $ref.slice($ref.lastIndexOf('/') + 1);
}
