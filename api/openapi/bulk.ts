import type { JsonSchema } from '../../core/schema.ts';
import { BULK_LIMIT, BULK_RATE_LIMIT } from '../../tasks/errand.bulk.task.ts';
import { filterParameters } from './parameters.ts';

const options: Record<string, JsonSchema> = {
  dry_run: { type: 'boolean', default: false, description: 'Only count what matches' },
  limit: {
    type: 'integer',
    minimum: 1,
    maximum: BULK_LIMIT,
    description: 'Change so many at most, oldest first',
  },
  per_second: {
    type: 'integer',
    minimum: 1,
    maximum: BULK_RATE_LIMIT,
    description: 'Change so many per second at most; a task of its own does it then',
  },
  reason: { type: 'string', minLength: 1, maxLength: 1_000, description: 'Why, for the audit trail' },
};

/** The body of a bulk operation: the filters of the list, one at least, so that nobody means everything by mistake. */
export const bulkSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['filter'],
  properties: {
    filter: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: Object.fromEntries(
        filterParameters.map(({ name, schema, description }) => [name, { ...schema, description }]),
      ),
    },
    ...options,
  },
};

/** The body of a bulk operation whose filter is elsewhere. */
export const groupRetrySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: options,
};
