import type { TaskDefinition } from '../../core/task.ts';
import { anyFailure, jsonBody, submitAnswers, submitted } from './answers.ts';
import { type Components, type Paths, refTo } from './document.ts';
import { atomicParameter, idempotencyKeyParameter, waitParameter } from './parameters.ts';
import { ref } from './schemas.ts';
import { batchSchema, submissionOf } from './submission.ts';

/** What the document has of one task but its paths, beside the schemas of payload and result. */
export function taskComponents(definition: TaskDefinition): Pick<Components, 'schemas' | 'responses'> {
  const { name, resultJsonSchema } = definition;
  const submission = submissionOf({ payload: ref(`${name}.payload`) }, ['payload']);
  // Here it counts for one submission and for the items of a batch.
  const schemas = {
    [`${name}.submission`]: { ...submission, examples: [{ payload: sentExample(definition) }] },
  };
  if (resultJsonSchema === undefined) return { schemas, responses: {} };
  // Null until there is one, and of a result that may be null; `oneOf` would not take what fits twice.
  const result = { anyOf: [ref(`${name}.result`), { type: 'null' }] };
  const answer = { allOf: [ref('SubmitAnswer'), { properties: { task: { properties: { result } } } }] };
  return { schemas, responses: { [name]: submitted(answer) } };
}

/** Where one task is submitted, and many. */
export function pathsOfTask(name: string): [one: string, many: string] {
  return [`/v1/tasks/${name}`, `/v1/tasks/${name}/batch`];
}

/** The paths of one task: submitting one, and many at once (specification S1, S3, T4). */
export function taskPaths(definition: TaskDefinition): Paths {
  const { name, description, namespace, resultJsonSchema } = definition;
  const answers = submitAnswers(resultJsonSchema === undefined ? undefined : name);
  const tags = [namespace];
  const [one, many] = pathsOfTask(name);
  return {
    [one]: {
      post: {
        tags,
        operationId: `submit${pascalCase(name)}`,
        summary: description,
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(ref(`${name}.submission`)),
        responses: { ...answers, ...anyFailure },
      },
    },
    [many]: {
      post: {
        tags,
        operationId: `submit${pascalCase(name)}Batch`,
        summary: `Submit many ${name}`,
        parameters: [idempotencyKeyParameter, atomicParameter],
        requestBody: jsonBody(batchSchema(ref(`${name}.submission`))),
        responses: { 200: refTo('responses', 'BatchAnswer'), ...anyFailure },
      },
    },
  };
}

/** The example of a definition as it is sent: JSON has text for a date. */
export function sentExample({ example }: TaskDefinition): unknown {
  return JSON.parse(JSON.stringify(example));
}

/** `example.echo` as a part of an identifier: `ExampleEcho`. Two names may give the same one. */
function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|[._-]+)(.?)/g, (_match, first: string) => first.toUpperCase());
}
