// biome-ignore lint/suspicious/noExplicitAny: documents are changed anywhere, and schemas have any shape
export type Any = any;

/** An operation with everything that is compared. */
export const OPERATION = {
  parameters: [
    { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
    { name: 'page', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100 } },
    { name: 'X-Key', in: 'header', schema: { type: 'string' } },
  ],
  requestBody: { required: false, content: { 'application/json': { schema: { type: 'object' } } } },
  responses: {
    200: {
      headers: { Location: {} },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Answer' } } },
    },
    400: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
  },
};

/** The schema of a text. */
export const text = { type: 'string' };

/** The schema of an object. */
export const object = (properties: object, more: object = {}): object => ({
  type: 'object',
  properties,
  ...more,
});

/** A document with that operation, of its own. */
export function documentOf(version = '1.2.0'): Any {
  return structuredClone({
    info: { version },
    paths: { '/v1/things/{id}': { post: OPERATION, get: { responses: {} } } },
    components: {
      schemas: {
        Answer: object({ a: { type: 'string' } }, { required: ['a'] }),
        Error: object({ error: { type: 'string' } }, { required: ['error'] }),
      },
    },
  });
}
