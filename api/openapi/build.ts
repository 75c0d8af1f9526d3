import { stringify } from 'yaml';
import type { JsonSchema } from '../../core/schema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { VERSION } from '../../process/version.ts';
import { failures, jsonAnswer, jsonBody } from './answers.ts';
import { idempotencyKeyParameter, idParameter, listParameters, waitParameter } from './parameters.ts';
import { ref, sharedSchemas } from './schemas.ts';
import { namedSubmissionSchema } from './submission.ts';
import { taskPaths, taskSchemas } from './task_paths.ts';

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = {
  openapi: string;
  info: JsonSchema;
  servers: JsonSchema[];
  paths: Record<string, JsonSchema>;
  components: { schemas: Record<string, JsonSchema> };
};

/** The description of the whole API, with paths and schemas of each of these definitions (specification T4). */
export function buildOpenApi(definitions: readonly TaskDefinition[]): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Errand',
      version: VERSION,
      description:
        'A typed task queue on Postgres: submit tasks by name, read what became of them, retry them.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths: { ...sharedPaths(), ...Object.assign({}, ...definitions.map(taskPaths)) },
    components: {
      schemas: { ...sharedSchemas, ...Object.assign({}, ...definitions.map(taskSchemas)) },
    },
  };
}

/** The document as openapi.yaml holds it. */
export function toYaml(document: OpenApiDocument): string {
  const notice =
    '# Generated from the task definitions by `npm run openapi`. Do not edit: a test holds it fresh.\n';
  return notice + stringify(document, { aliasDuplicateObjects: false, lineWidth: 110 });
}

function sharedPaths(): Record<string, JsonSchema> {
  const tags = ['tasks'];
  return {
    '/v1/tasks': {
      get: {
        tags,
        operationId: 'list tasks',
        summary: 'List tasks, newest first',
        parameters: listParameters,
        responses: {
          200: jsonAnswer('A page of tasks', ref('TaskList'), {
            Link: { schema: { type: 'string' }, description: 'RFC 8288: rel="next" and rel="first"' },
          }),
          ...failures(400),
        },
      },
      post: {
        tags,
        operationId: 'submit by name',
        summary: 'Submit a task that the body names',
        description: 'The same as the path of the task itself, for callers that route by data.',
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(namedSubmissionSchema, { name: 'example.echo', payload: { message: 'hello' } }),
        responses: {
          201: jsonAnswer('A new task', ref('SubmitAnswer')),
          200: jsonAnswer('The task that was already there for this submission', ref('SubmitAnswer')),
          ...failures(400, 404, 409, 413, 415),
        },
      },
    },
    '/v1/tasks/{id}': {
      get: {
        tags,
        operationId: 'get task',
        summary: 'Read a task with its attempts',
        parameters: [idParameter, waitParameter],
        responses: { 200: jsonAnswer('The record', ref('TaskRecord')), ...failures(400, 404) },
      },
    },
    '/v1/tasks/{id}/retry': {
      patch: {
        tags,
        operationId: 'retry task',
        summary: 'Queue a failed or cancelled task again',
        description:
          'Its attempts so far stay in the history. With its budget used up it gets one attempt more.',
        parameters: [idParameter],
        responses: { 200: jsonAnswer('The task, queued', ref('TaskAnswer')), ...failures(400, 404) },
      },
    },
  };
}
