import type { JsonSchema } from '../../../core/schema.ts';
import { object, ref } from './schemas.ts';

const ofError: Record<string, JsonSchema> = {
  error_type: { type: 'string' },
  message: { type: 'string' },
  error_code: { type: ['string', 'null'], description: 'The `code` of the error, a text or a number' },
  stack: { type: ['string', 'null'] },
};

/** `causes` is optional: most errors have none, and older records lack the field. */
const { properties: alwaysThere, ...taskErrorWithoutCauses } = object('Why an attempt failed', {
  ...ofError,
  retryable: { type: 'boolean' },
  metadata: {
    type: ['object', 'null'],
    additionalProperties: true,
    description: 'At most 16 KB. `omitted` names the members that were shortened or left out',
  },
});
const taskError: JsonSchema = {
  ...taskErrorWithoutCauses,
  properties: {
    ...(alwaysThere as Record<string, JsonSchema>),
    causes: {
      type: 'array',
      items: ref('ErrorCause'),
      description:
        'The errors behind it, from the outside to the inside: its `cause`, the errors of an AggregateError, and their causes; the first eight',
    },
  },
};

/** The component schemas of the error of an attempt. */
export const errorSchemas: Record<string, JsonSchema> = {
  TaskError: taskError,
  ErrorCause: object('An error that caused another error', ofError),
};
