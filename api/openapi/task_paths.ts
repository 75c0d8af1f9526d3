import type { JsonSchema } from '../../core/schema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { failures, jsonAnswer, jsonBody } from './answers.ts';
import { atomicParameter, idempotencyKeyParameter, waitParameter } from './parameters.ts';
import { ref, submitAnswer } from './schemas.ts';
import { MAX_BATCH_ITEMS, submissionSchema } from './submission.ts';

/** Marks a schema that describes items which the handler validates one by one, not the validator before it. */
export const VALIDATED_PER_ITEM = 'x-validated-per-item';

/** The component schemas of one task: its payload, its result, and what is built of them. */
export function taskSchemas(definition: TaskDefinition): Record<string, JsonSchema> {
  const { name } = definition;
  const result = definition.resultJsonSchema;
  const own = {
    payload: { type: 'object', description: 'As it was submitted' },
    ...(result === undefined ? {} : { result: { oneOf: [ref(`${name}.result`), { type: 'null' }] } }),
  };
  return {
    [`${name}.payload`]: definition.payloadJsonSchema,
    ...(result === undefined ? {} : { [`${name}.result`]: result }),
    [`${name}.submission`]: submissionSchema(ref(`${name}.payload`)),
    [`${name}.task`]: { allOf: [ref('Task'), { type: 'object', properties: own }] },
  };
}

/** The paths of one task: submitting one, and many at once (specification S1, S3, T4). */
export function taskPaths(definition: TaskDefinition): Record<string, JsonSchema> {
  const { name, description, example } = definition;
  const answer = submitAnswer(ref(`${name}.task`));
  const base = { tags: [definition.namespace] };
  return {
    [`/v1/tasks/${name}`]: {
      post: {
        ...base,
        operationId: `submit ${name}`,
        summary: `Submit ${name}`,
        description,
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(ref(`${name}.submission`), { payload: example }),
        responses: {
          201: jsonAnswer('A new task', answer, {
            Location: { schema: { type: 'string' }, description: 'Where the task is' },
          }),
          200: jsonAnswer('The task that was already there for this submission', answer),
          ...failures(400, 404, 409, 413, 415, 503),
        },
      },
    },
    [`/v1/tasks/${name}/batch`]: {
      post: {
        ...base,
        operationId: `submit batch of ${name}`,
        summary: `Submit many ${name} at once`,
        description: `Up to ${MAX_BATCH_ITEMS} items, each validated on its own; the valid ones are inserted in one transaction.`,
        parameters: [idempotencyKeyParameter, atomicParameter],
        requestBody: jsonBody(batchSchema(name), { items: [{ payload: example }] }),
        responses: {
          200: jsonAnswer('What became of each item, in order', ref('BatchAnswer')),
          ...failures(400, 404, 409, 413, 415, 503),
        },
      },
    },
  };
}

function batchSchema(name: string): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['items'],
    properties: {
      items: {
        type: 'array',
        minItems: 1,
        maxItems: MAX_BATCH_ITEMS,
        items: ref(`${name}.submission`),
        [VALIDATED_PER_ITEM]: true,
      },
    },
  };
}
