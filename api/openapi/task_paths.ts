import type { JsonSchema } from '../../core/schema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { failures, jsonAnswer, jsonBody, submitAnswers } from './answers.ts';
import type { Paths } from './document.ts';
import { atomicParameter, idempotencyKeyParameter, waitParameter } from './parameters.ts';
import { ref, submitAnswer } from './schemas.ts';
import { batchSchema, MAX_BATCH_ITEMS, submissionSchema } from './submission.ts';

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
export function taskPaths(definition: TaskDefinition): Paths {
  const { name, description, example } = definition;
  const answer = submitAnswer(ref(`${name}.task`));
  const base = { tags: [definition.namespace] };
  return {
    [`/v1/tasks/${name}`]: {
      post: {
        ...base,
        operationId: `submit${pascalCase(name)}`,
        summary: `Submit ${name}`,
        description,
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(ref(`${name}.submission`), { payload: example }),
        responses: { ...submitAnswers(answer), ...failures(400, 404, 409, 413, 415) },
      },
    },
    [`/v1/tasks/${name}/batch`]: {
      post: {
        ...base,
        operationId: `submit${pascalCase(name)}Batch`,
        summary: `Submit many ${name} at once`,
        description: `Up to ${MAX_BATCH_ITEMS} items, each validated on its own; the valid ones are inserted in one transaction. What Postgres can not hold (NUL, say) refuses the whole body.`,
        parameters: [idempotencyKeyParameter, atomicParameter],
        requestBody: jsonBody(batchSchema(ref(`${name}.submission`)), { items: [{ payload: example }] }),
        responses: {
          200: jsonAnswer('What became of each item, in order', ref('BatchAnswer')),
          ...failures(400, 409, 413, 415),
        },
      },
    },
  };
}

/** `example.echo` as a part of an identifier: `ExampleEcho`. Two names may give the same one. */
function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|[._-]+)(.?)/g, (_match, first: string) => first.toUpperCase());
}
