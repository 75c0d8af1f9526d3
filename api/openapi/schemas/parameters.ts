import type { JsonSchema } from '../../../core/schema.ts';

/** The default page size of lists with small entries. */
export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 100;

/** A parameter of an operation. */
export type Parameter = {
  name: string;
  in: string;
  required?: boolean;
  description: string;
  schema: JsonSchema;
};

/** A parameter of a query. */
export const inQuery = (name: string, schema: JsonSchema, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
/** A schema for text with at most this many characters. */
export const textUpTo = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength });
/** A time, as ISO 8601. */
export const timeOfQuery: JsonSchema = { type: 'string', format: 'date-time' };

export const idParameter: Parameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of the task',
  schema: { type: 'string', format: 'uuid' },
};
