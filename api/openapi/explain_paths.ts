import { REASON_CODES } from '../../core/explain_facts.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { QUEUE_READ_LIMIT } from '../../store/explain.ts';
import { failures, jsonAnswer } from './answers.ts';
import type { Paths } from './document.ts';
import { idParameter } from './parameters.ts';
import { object, ref } from './schemas.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** The component schemas of an explanation. */
export const explainSchemas: Record<string, JsonSchema> = {
  Explanation: object('Why a task is not running, or what it is at, or how it ended', {
    id: { type: 'string', format: 'uuid' },
    name: text,
    version: { ...text, description: 'That it was submitted with, and which its runner has to know' },
    state: { type: 'string', enum: [...STATES] },
    summary: { ...text, description: 'One sentence, of the first reason' },
    reasons: { type: 'array', items: ref('Reason'), description: 'The most important first' },
    next_steps: { type: 'array', items: text, description: 'What somebody can do about them' },
    queue: { anyOf: [ref('QueuePlace'), { type: 'null' }], description: 'Null when it is not due' },
    runners: ref('RunnersFor'),
    attempt: { type: 'integer', minimum: 1 },
    max_attempts: { type: 'integer', minimum: 1 },
    next_attempt_at: {
      ...nullableTime,
      description: 'When the attempt that is to come is or was due; null when none is',
    },
    last_error: {
      anyOf: [ref('TaskError'), { type: 'null' }],
      description: 'Of the last attempt that did not succeed',
    },
    explained_at: { ...time, description: "By Postgres's clock, as all times here are" },
  }),
  Reason: {
    type: 'object',
    description: 'One reason; which of the optional parts it has depends on its code',
    required: ['code', 'message'],
    properties: {
      code: { type: 'string', enum: [...REASON_CODES] },
      message: { ...text, description: 'One sentence' },
      target: {
        ...text,
        description: 'What is paused: a namespace, the name of a task, or of a workflow with its steps',
      },
      actor: { ...text, description: 'Who paused, cancelled or resolved it' },
      reason: { type: ['string', 'null'], description: 'Why they did' },
      since: { ...time, description: 'From when it is so' },
      until: { ...time, description: 'Until when: due then, or at the time limit of the attempt' },
      runner: ref('AttemptRunner'),
      tasks: {
        type: 'array',
        items: ref('ReasonTask'),
        description:
          'The steps or children that it is about: those waited for, or those that did not succeed',
      },
    },
  },
  ReasonTask: object('A step of a workflow, or a child of a step; of a long list the few that matter most', {
    id: { type: 'string', format: 'uuid' },
    name: text,
    step: { type: ['string', 'null'], description: 'Its name in the graph; null for one of a list' },
    state: { type: 'string', enum: [...STATES] },
  }),
  QueuePlace: object('Where a due task is in the queue of its name', {
    position: { type: 'integer', minimum: 1, description: '1 is next; by priority, run_at and id' },
    position_is_capped: {
      type: 'boolean',
      description: `Whether it may be farther back: ${QUEUE_READ_LIMIT} tasks are looked at`,
    },
    estimated_start_at: {
      ...nullableTime,
      description:
        'By free slots and the rate of the last five minutes; null when nothing tells, or it can not start',
    },
  }),
  RunnersFor: object('The runners, as of their last heartbeats', {
    live: { ...count, description: 'Runners whose lease holds' },
    able: {
      ...count,
      description: 'Those of them that can execute the task: not those whose definition is older',
    },
    slots: { ...count, description: 'Attempts that these execute at a time' },
    busy: { ...count, description: 'How many of these slots are taken' },
  }),
};

/** The path of the explanation of a task. */
export function explainPaths(): Paths {
  return {
    '/v1/tasks/{id}/explain': {
      get: {
        tags: ['tasks'],
        operationId: 'explainTask',
        summary: 'Explain why a task is not running, or how it ended',
        parameters: [idParameter],
        responses: { 200: jsonAnswer('The explanation', ref('Explanation')), ...failures(404) },
      },
    },
  };
}
