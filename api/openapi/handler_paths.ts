import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { MAX_LOOKED_AT } from '../../process/waiting.ts';
import { failures, jsonAnswer } from './answers.ts';
import type { Paths } from './document.ts';
import type { Parameter } from './parameters.ts';
import { object, ref } from './schemas.ts';

const text: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

/** The component schemas of registered definitions. */
export const handlerSchemas: Record<string, JsonSchema> = {
  Handler: object('A registered definition, and who can execute it', {
    name: text,
    namespace: text,
    version: text,
    description: { type: ['string', 'null'], description: 'Null when only runners have the definition' },
    payload_schema: { ...anyObject, description: 'JSON Schema (draft 2020-12)' },
    result_schema: { type: ['object', 'null'], additionalProperties: true, description: 'The same' },
    policy: {
      ...anyObject,
      description:
        'Attempts, backoff, time limit in ms, priority, deduplication and retention, defaults filled in',
    },
    steps: {
      anyOf: [{ type: 'array', items: ref('HandlerStep') }, { type: 'null' }],
      description: 'Of a workflow: its steps, in the order of their definition; null for all others',
    },
    workflow: {
      type: ['string', 'null'],
      description: 'Of a step: its workflow. Lists leave steps out: nobody submits them',
    },
    schema_hash: { ...text, description: 'Differs when a schema does' },
    registered_at: { type: 'string', format: 'date-time', description: 'When it last changed' },
    pauses: {
      type: 'array',
      items: ref('Pause'),
      description: 'Of its name and its namespace; empty: it runs',
    },
    runners: {
      type: 'array',
      items: ref('HandlerRunner'),
      description: 'The live runners that can execute it, newest first, 100 at most',
    },
    live_runners: { type: 'integer', minimum: 0, description: 'How many there are' },
    waiting: {
      oneOf: [ref('WaitingTasks'), { type: 'null' }],
      description: 'Null: not looked at yet, or only runners have the definition',
    },
  }),
  WaitingTasks: object(
    'Tasks that have not ended, held against the definition of the API, as of a while ago',
    {
      looked_at: { ...count, description: `How many were looked at, ${MAX_LOOKED_AT} at most` },
      is_bounded: {
        type: 'boolean',
        description: 'Whether there may be more: beyond that number, or with payloads of more than 64 KiB',
      },
      misfits: { ...count, description: 'Those that it does not accept: they will fail when they start' },
      misfit_ids: {
        type: 'array',
        items: { type: 'string', format: 'uuid' },
        description: 'The first of these',
      },
      newer: { ...count, description: 'Those of a newer version, which were not held against it' },
      checked_at: { type: 'string', format: 'date-time' },
    },
  ),
  HandlerRunner: object('A live runner that has a definition of the name', {
    id: { type: 'integer' },
    host: text,
    pid: { type: 'integer' },
    version: {
      type: ['string', 'null'],
      description:
        'Of its definition: newer tasks it leaves to others. Null of a runner that does not tell it',
    },
  }),
  HandlerStep: object('A step of a workflow', {
    step: text,
    name: { ...text, description: 'As a task: of its figures, its errors, to pause it' },
    after: { type: 'array', items: text, description: 'The steps that it waits for' },
    conditional: { type: 'boolean', description: 'Whether it may be skipped' },
    kind: {
      type: 'string',
      enum: ['handler', 'run', 'map'],
      description: 'What it is: a handler of its own, a task of another definition, or a list of them',
    },
    child: { type: ['string', 'null'], description: 'What it runs or maps: the name of a definition' },
  }),
  HandlerList: object('Registered definitions, by name', {
    handlers: { type: 'array', items: ref('Handler') },
  }),
};

const part = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH },
});
export const namespaceParameter = part('namespace', 'The first part of the names');
export const nameParameter = part(
  'name',
  'What follows the namespace in the name; all of the name is taken too',
);

/** The paths of what the pool can execute (specification R7). */
export function handlerPaths(): Paths {
  const tags = ['handlers'];
  return {
    '/v1/handlers': {
      get: {
        tags,
        operationId: 'listHandlers',
        summary: 'List the registered definitions',
        responses: { 200: jsonAnswer('Up to 1,000 definitions', ref('HandlerList')), ...failures() },
      },
    },
    '/v1/handlers/{namespace}': {
      get: {
        tags,
        operationId: 'listNamespaceHandlers',
        summary: 'List the registered definitions of a namespace',
        parameters: [namespaceParameter],
        responses: { 200: jsonAnswer('Up to 1,000 definitions', ref('HandlerList')), ...failures(404) },
      },
    },
    '/v1/handlers/{namespace}/{name}': {
      get: {
        tags,
        operationId: 'getHandler',
        summary: 'Read a registered definition',
        parameters: [namespaceParameter, nameParameter],
        responses: { 200: jsonAnswer('The definition', ref('Handler')), ...failures(404) },
      },
    },
  };
}
