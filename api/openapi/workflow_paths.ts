import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { MAX_MESSAGE_LENGTH, MAX_NODES } from '../../store/steps.ts';
import { failures, jsonAnswer, jsonBody } from './answers.ts';
import type { Paths } from './document.ts';
import { idParameter, stepIdParameter } from './parameters.ts';
import { anyJson, object, ref } from './schemas.ts';

const text: JsonSchema = { type: 'string' };
const nullableText: JsonSchema = { type: ['string', 'null'] };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const texts: JsonSchema = { type: 'array', items: text };

/** The component schemas of workflows. */
export const workflowSchemas: Record<string, JsonSchema> = {
  Workflow: object('The graph of a workflow, and how far it has come', {
    nodes: {
      type: 'array',
      items: ref('WorkflowNode'),
      description: 'Its steps, in the order of the definition',
    },
    edges: { type: 'array', items: ref('WorkflowEdge') },
    critical_path: {
      ...texts,
      description: 'The steps that decided when it ended, first to last, or as far as it has come',
    },
  }),
  WorkflowNode: object('A step of a workflow, or a task that a step has made', {
    id: { type: 'string', format: 'uuid' },
    step: { ...nullableText, description: 'Null for one of a list' },
    name: text,
    state: { type: 'string', enum: [...STATES] },
    skipped: { type: 'boolean', description: 'Done without being run: its condition did not hold' },
    after: {
      type: ['array', 'null'],
      items: text,
      description: 'The steps that it waits for; null for one of a list',
    },
    attempt: { type: 'integer', minimum: 1 },
    max_attempts: { type: 'integer', minimum: 1 },
    children: {
      type: ['integer', 'null'],
      description: 'How many tasks it has made: its own workflow_steps; null: none',
    },
    created_at: time,
    run_at: time,
    started_at: nullableTime,
    finished_at: nullableTime,
    duration_ms: { type: ['number', 'null'], minimum: 0, description: 'From start to end' },
    error_message: {
      ...nullableText,
      description: `The first ${MAX_MESSAGE_LENGTH} characters of it: the record of the step has all`,
    },
  }),
  WorkflowEdge: object('A step waits for another one', { from: text, to: text }),
  WorkflowStepList: object('The steps of a workflow, or the tasks that a step has made, in order', {
    steps: { type: 'array', items: ref('WorkflowNode') },
    is_truncated: {
      type: 'boolean',
      description: `Whether there are more than ${MAX_NODES}: GET /v1/tasks?parent_id= has pages of all`,
    },
  }),
};

/** The body of a resolution. */
export const resolutionSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['resolution_data', 'resolved_by', 'reason'],
  properties: {
    resolution_data: {
      ...anyJson,
      description:
        'Its result, for the steps after it; as the schema of the result wants it, if there is one',
    },
    resolved_by: { type: 'string', minLength: 1, maxLength: 200, description: 'Who says so' },
    reason: { type: 'string', minLength: 1, maxLength: 1_000, description: 'Why' },
  },
};

/** The paths of the steps of a workflow (specification W3, W5). */
export function workflowPaths(): Paths {
  const tags = ['workflows'];
  const record = jsonAnswer('The record of the step', ref('TaskRecord'));
  const example = { resolution_data: { paid: true }, resolved_by: 'ann', reason: 'Paid in cash' };
  return {
    '/v1/tasks/{id}/workflow_steps': {
      get: {
        tags,
        operationId: 'listWorkflowSteps',
        summary: 'List the steps of a workflow, or the tasks that a step has made',
        parameters: [idParameter],
        responses: {
          200: jsonAnswer('The steps; none for a task that is made of none', ref('WorkflowStepList')),
          ...failures(404),
        },
      },
    },
    '/v1/tasks/{id}/workflow_steps/{step_id}': {
      get: {
        tags,
        operationId: 'getWorkflowStep',
        summary: 'Read a step of a workflow, as the task that it is',
        parameters: [idParameter, stepIdParameter],
        responses: { 200: record, ...failures(404) },
      },
      patch: {
        tags,
        operationId: 'resolveWorkflowStep',
        summary: 'Resolve a step by hand: say what it came to',
        description:
          'Of a step that has failed or has not started. It counts as done with that result, and what waits for it goes on.',
        parameters: [idParameter, stepIdParameter],
        requestBody: jsonBody(resolutionSchema, example),
        responses: { 200: record, ...failures(404) },
      },
    },
  };
}
