import type { JsonSchema } from '../../core/schema.ts';
import type { Parameter } from './parameters.ts';

/** An operation of the document, with the parts that code looks at. */
export type Operation = {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: RequestBody;
  responses: Record<string, JsonSchema>;
  [key: string]: unknown;
};

/** The body of a request, by content type. */
export type RequestBody = {
  required: boolean;
  content: Record<string, { schema: JsonSchema; example: unknown }>;
};

/** The operations of each path, by method. */
export type Paths = Record<string, Record<string, Operation>>;

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = {
  openapi: string;
  info: JsonSchema;
  servers: JsonSchema[];
  paths: Paths;
  components: { schemas: Record<string, JsonSchema> };
};
