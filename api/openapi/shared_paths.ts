import type { TaskDefinition } from '../../core/task.ts';
import { failures, jsonAnswer, jsonBody, submitAnswers } from './answers.ts';
import type { Paths } from './document.ts';
import {
  endedParameter,
  idempotencyKeyParameter,
  idParameter,
  listParameters,
  reasonParameter,
  waitParameter,
} from './parameters.ts';
import { ref } from './schemas.ts';
import { namedSubmissionSchema } from './submission.ts';
import { sentExample } from './task_paths.ts';

/** The paths that concern tasks of any kind; `shown` is the definition that examples are taken from. */
export function anyTaskPaths(shown: TaskDefinition | undefined): Paths {
  const tags = ['tasks'];
  return {
    '/v1/tasks': {
      get: {
        tags,
        operationId: 'listTasks',
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
        operationId: 'submitTask',
        summary: 'Submit a task that the body names',
        description: 'The same as the path of the task itself, for callers that route by data.',
        parameters: [idempotencyKeyParameter, waitParameter],
        requestBody: jsonBody(namedSubmissionSchema, {
          name: shown?.name,
          payload: shown && sentExample(shown),
        }),
        responses: { ...submitAnswers(), ...failures(400, 404, 409, 413, 415) },
      },
    },
  };
}

/** The paths of one task, whatever its kind. */
export function oneTaskPaths(): Paths {
  const tags = ['tasks'];
  return {
    '/v1/tasks/{id}': {
      get: {
        tags,
        operationId: 'getTask',
        summary: 'Read a task with its attempts and, of a workflow, the graph of its steps',
        parameters: [idParameter, waitParameter],
        responses: { 200: jsonAnswer('The record', ref('TaskRecord')), ...failures(400, 404) },
      },
      delete: {
        tags,
        operationId: 'cancelTask',
        summary: 'Cancel a task',
        description:
          'At once when it is not running. A running one is asked to end, and its runner records what came of it. A workflow is cancelled with its steps.',
        parameters: [idParameter, reasonParameter],
        responses: {
          200: jsonAnswer('The task, cancelled or asked to end', ref('TaskAnswer')),
          ...failures(400, 404),
        },
      },
    },
    '/v1/tasks/{id}/retry': {
      patch: {
        tags,
        operationId: 'retryTask',
        summary: 'Queue a failed or cancelled task again',
        description:
          'Its attempts so far stay in the history. With its budget used up it gets one attempt more. Of a workflow only what failed or was cancelled is done again; a step that is retried has its workflow go on.',
        parameters: [idParameter, reasonParameter],
        responses: { 200: jsonAnswer('The task, queued', ref('TaskAnswer')), ...failures(400, 404) },
      },
    },
  };
}

/** The paths that concern the pool of runners. */
export function runnerPaths(): Paths {
  return {
    '/v1/runners': {
      get: {
        tags: ['runners'],
        operationId: 'listRunners',
        summary: 'List the runners of the pool, newest first',
        parameters: [endedParameter],
        responses: { 200: jsonAnswer('The runners', ref('RunnerList')), ...failures(400) },
      },
    },
  };
}
