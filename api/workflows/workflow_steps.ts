import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import {
  listNodes,
  MAX_MESSAGE_LENGTH,
  MAX_NODES,
  getStep as readStep,
} from '../../store/workflows/steps.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter, type Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { recordOf, taskNotFound } from '../tasks/get_task.ts';

const text: JsonSchema = { type: 'string' };
const nullableText: JsonSchema = { type: ['string', 'null'] };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const texts: JsonSchema = { type: 'array', items: text };

/** The component schemas of workflows. */
export const workflowSchemas: Record<string, JsonSchema> = {
  Workflow: object('The graph of a workflow, and its progress', {
    nodes: {
      type: 'array',
      items: ref('WorkflowNode'),
      description: 'The steps in the order of the definition',
    },
    edges: { type: 'array', items: ref('WorkflowEdge') },
    critical_path: {
      ...texts,
      description: 'The steps that decided when the workflow ended, first to last, or those so far',
    },
  }),
  WorkflowNode: object('A step of a workflow, or a task that a step created', {
    id: { type: 'string', format: 'uuid' },
    step: { ...nullableText, description: 'Null for a task that a step created' },
    name: text,
    state: { type: 'string', enum: [...STATES] },
    skipped: {
      type: 'boolean',
      description: 'The step counts as done but did not run, because its condition did not hold',
    },
    after: {
      type: ['array', 'null'],
      items: text,
      description: 'The steps that it waits for. Null for a task that a step created',
    },
    attempt: { type: 'integer', minimum: 1 },
    max_attempts: { type: 'integer', minimum: 1 },
    children: {
      type: ['integer', 'null'],
      description:
        'The number of tasks that it created, which are its workflow_steps. Null if it created none',
    },
    created_at: time,
    run_at: time,
    started_at: nullableTime,
    finished_at: nullableTime,
    duration_ms: { type: ['number', 'null'], minimum: 0, description: 'The time from start to end' },
    error_message: {
      ...nullableText,
      description: `The first ${MAX_MESSAGE_LENGTH} characters of the error message. The record of the step has the full message`,
    },
  }),
  WorkflowEdge: object('The step `to` waits for the step `from`', { from: text, to: text }),
  WorkflowStepList: object('The steps of a workflow, or the tasks that a step created, in order', {
    steps: { type: 'array', items: ref('WorkflowNode') },
    is_truncated: {
      type: 'boolean',
      description: `Whether more than ${MAX_NODES} exist. GET /v1/tasks?parent_id= lists all of them in pages`,
    },
  }),
};

export const stepIdParameter: Parameter = {
  name: 'step_id',
  in: 'path',
  required: true,
  description: 'The id of the step, or of another child of the task',
  schema: { type: 'string', format: 'uuid' },
};

/** The paths of the steps of a workflow (specification W3). */
export function workflowPaths(): Paths {
  const tags = ['workflows'];
  return {
    '/v1/tasks/{id}/workflow_steps': {
      get: {
        tags,
        operationId: 'listWorkflowSteps',
        summary: 'List the steps of a workflow, or the tasks that a step created',
        parameters: [idParameter],
        responses: {
          200: jsonAnswer('The steps. Empty if the task has none', ref('WorkflowStepList')),
          ...failures(404),
        },
      },
    },
    '/v1/tasks/{id}/workflow_steps/{step_id}': {
      get: {
        tags,
        operationId: 'getWorkflowStep',
        summary: 'Read a step of a workflow as a task',
        parameters: [idParameter, stepIdParameter],
        responses: { 200: jsonAnswer('The record of the step', ref('TaskRecord')), ...failures(404) },
      },
    },
  };
}

/**
 * `GET /v1/tasks/{id}/workflow_steps` (specification W3): the steps of a workflow, or the tasks that a step
 * created.
 */
export const listSteps: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const listed = await listNodes(context.reads, id, context.visibility);
  if (listed === null) throw taskNotFound(id);
  response.json({ steps: listed.nodes, is_truncated: listed.more });
};

/** `GET /v1/tasks/{id}/workflow_steps/{step_id}` (specification W3): the record of a step of this task. */
export const getStep: Operation = async (context, request, response) => {
  const at = { parentId: String(request.params.id), stepId: String(request.params.step_id) };
  const step = await readStep(context.reads, at, context.visibility);
  if (step === null) throw stepNotFound(at);
  response.json(await recordOf(context.reads, step));
};

/** The error for a step that the task does not have, or that the caller may not see. */
export function stepNotFound({ parentId, stepId }: { parentId: string; stepId: string }): ErrandError {
  return new ErrandError(
    'NOT_FOUND',
    `The task ${parentId} has no step ${stepId}: see GET /v1/tasks/{id}/workflow_steps`,
  );
}
