import { explain } from '../../core/explain/explain.ts';
import { REASON_CODES } from '../../core/explain/explain_facts.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { readFacts } from '../../store/operators/explain.ts';
import { QUEUE_READ_LIMIT } from '../../store/operators/explain_row.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { taskNotFound } from './get_task.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };

/** The component schemas of an explanation. */
export const explainSchemas: Record<string, JsonSchema> = {
  Explanation: object('Why a task is not running, what it is doing, or how it ended', {
    id: { type: 'string', format: 'uuid' },
    name: text,
    version: {
      ...text,
      description: 'The version at the submission. Its runner must have this version or a newer one',
    },
    state: { type: 'string', enum: [...STATES] },
    summary: { ...text, description: 'The first reason in one sentence' },
    reasons: { type: 'array', items: ref('Reason'), description: 'The reasons, the most important first' },
    next_steps: { type: 'array', items: text, description: 'Possible remedies' },
    queue: { anyOf: [ref('QueuePlace'), { type: 'null' }], description: 'Null if the task is not due' },
    runners: ref('RunnersFor'),
    attempt: { type: 'integer', minimum: 1 },
    max_attempts: { type: 'integer', minimum: 1 },
    next_attempt_at: {
      ...nullableTime,
      description: 'When the next attempt is or was due. Null if there is none',
    },
    last_error: {
      anyOf: [ref('TaskError'), { type: 'null' }],
      description: 'The error of the last attempt that did not succeed',
    },
    explained_at: {
      ...time,
      description: 'The time of the explanation. All times follow the clock of Postgres',
    },
  }),
  Reason: {
    type: 'object',
    description: 'One reason. Its code decides which optional properties it has',
    required: ['code', 'message'],
    properties: {
      code: { type: 'string', enum: [...REASON_CODES] },
      message: { ...text, description: 'One sentence' },
      target: {
        ...text,
        description: 'The paused namespace, task name or limit. The name of a workflow includes its steps',
      },
      actor: { ...text, description: 'The actor that paused, cancelled or resolved it' },
      reason: { type: ['string', 'null'], description: 'The reason that the actor gave' },
      since: { ...time, description: 'Since when the reason applies' },
      until: {
        ...time,
        description: 'Until when the reason applies: the due time, or the time limit of the attempt',
      },
      runner: ref('AttemptRunner'),
      tasks: {
        type: 'array',
        items: ref('ReasonTask'),
        description:
          'The steps or children that the reason is about: those that the task waits for, or those that did not succeed. For `limit_full`, tasks that hold the slots, the longest first',
      },
      limit: ref('FullLimit'),
    },
  },
  FullLimit: {
    type: 'object',
    description: 'The limit that has no room, or that is paused',
    required: ['name', 'key', 'slots', 'taken', 'position'],
    properties: {
      name: text,
      key: { ...text, description: 'The key of the task under this limit; empty for a limit without keys' },
      slots: {
        ...count,
        description: 'How many attempts run at a time, of this key; of a rate, how many start in its period',
      },
      taken: { ...count, description: 'How many of them run; of a rate, how many of a burst have started' },
      position: { ...count, description: 'The place of the task among those that wait' },
      period_seconds: { type: 'number', description: 'Of a rate alone: its period' },
      burst: { ...count, description: 'Of a rate alone: how many start together at most' },
    },
  },
  ReasonTask: object(
    'A step of a workflow, or a child of a step. A long list contains only the most important ones',
    {
      id: { type: 'string', format: 'uuid' },
      name: text,
      step: { type: ['string', 'null'], description: 'The name of the step. Null for an item of a map step' },
      state: { type: 'string', enum: [...STATES] },
    },
  ),
  QueuePlace: object('The place of a due task in the queue of its name', {
    position: {
      type: 'integer',
      minimum: 1,
      description: '1 is next. The order is by priority, run_at and id',
    },
    position_is_capped: {
      type: 'boolean',
      description: `Whether the real position may be larger: at most ${QUEUE_READ_LIMIT} tasks are read`,
    },
    estimated_start_at: {
      ...nullableTime,
      description:
        'An estimate from free slots and the rate of the last five minutes. Null if it cannot be estimated, or if the task cannot start',
    },
  }),
  RunnersFor: object('The runners according to their last heartbeats', {
    live: { ...count, description: 'Runners with a valid lease' },
    able: {
      ...count,
      description: 'Live runners that can execute the task. Runners with an older definition cannot',
    },
    slots: { ...count, description: 'The number of attempts that these runners can execute at a time' },
    busy: { ...count, description: 'How many of these slots are in use' },
    elsewhere: {
      ...count,
      description: 'Live runners that are dedicated to other namespaces or tasks (`RUNNER_NAMESPACES`)',
    },
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

/** `GET /v1/tasks/{id}/explain`: why a task is not running, what it is doing, or how it ended. */
export const explainTask: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const facts = await readFacts(context.reads, id, context.visibility);
  if (facts === null) throw taskNotFound(id);
  response.json(explain(facts));
};
