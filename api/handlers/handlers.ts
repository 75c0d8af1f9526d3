import { ErrandError } from '../../core/errors.ts';
import { closest, isOwnNamespace } from '../../core/registry.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH, namespaceOf } from '../../core/task.ts';
import { MAX_LOOKED_AT, type Waiting } from '../../process/waiting.ts';
import {
  type Handler,
  listHandlerNames,
  listHandlers as readHandlers,
} from '../../store/operators/registered.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';

const text: JsonSchema = { type: 'string' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const anyObject: JsonSchema = { type: 'object', additionalProperties: true };

/** The component schemas of registered definitions. */
export const handlerSchemas: Record<string, JsonSchema> = {
  Handler: object('A registered definition, and the runners that can execute it', {
    name: text,
    namespace: text,
    version: text,
    owner: {
      type: ['string', 'null'],
      description:
        'The repository that defines it: `project` of its errand.config.ts, otherwise the name in its package.json. `errand` for tasks that Errand ships. Null if it is not known',
    },
    description: { type: ['string', 'null'], description: 'Null if only runners have the definition' },
    payload_schema: { ...anyObject, description: 'JSON Schema (draft 2020-12)' },
    result_schema: {
      type: ['object', 'null'],
      additionalProperties: true,
      description: 'JSON Schema (draft 2020-12)',
    },
    policy: {
      ...anyObject,
      description:
        'Attempts, backoff, time limit in ms, priority, deduplication, limits and retention, with defaults and with names in snake_case, such as `max_attempts` and `timeout_ms`',
    },
    steps: {
      anyOf: [{ type: 'array', items: ref('HandlerStep') }, { type: 'null' }],
      description: 'The steps of a workflow, in the order of their definition. Null for other definitions',
    },
    workflow: {
      type: ['string', 'null'],
      description: 'The workflow of a step. Lists do not contain steps, because steps are not submitted',
    },
    schema_hash: { ...text, description: 'Changes if a schema changes' },
    registered_at: { type: 'string', format: 'date-time', description: 'When the definition last changed' },
    pauses: {
      type: 'array',
      items: ref('Pause'),
      description: 'The pauses of its name and its namespace. Empty if it is not paused',
    },
    runners: {
      type: 'array',
      items: ref('HandlerRunner'),
      description: 'The live runners that can execute it, newest first, at most 100',
    },
    live_runners: {
      type: 'integer',
      minimum: 0,
      description: 'The number of live runners that can execute it',
    },
    waiting: {
      oneOf: [ref('WaitingTasks'), { type: 'null' }],
      description: 'Null if not checked yet, or if only runners have the definition',
    },
  }),
  WaitingTasks: object("Tasks that have not finished, checked against the API's definition a while ago", {
    looked_at: { ...count, description: `How many tasks were checked, at most ${MAX_LOOKED_AT}` },
    is_bounded: {
      type: 'boolean',
      description: 'Whether unchecked tasks may exist: beyond that number, or with payloads over 64 KiB',
    },
    misfits: {
      ...count,
      description: 'Tasks that the definition does not accept. They will fail when they start',
    },
    misfit_ids: {
      type: 'array',
      items: { type: 'string', format: 'uuid' },
      description: 'The ids of the first misfits',
    },
    newer: { ...count, description: 'Tasks of a newer version, which were not checked' },
    checked_at: { type: 'string', format: 'date-time' },
  }),
  HandlerRunner: object('A live runner that has a definition with this name', {
    id: { type: 'integer' },
    host: text,
    pid: { type: 'integer' },
    version: {
      type: ['string', 'null'],
      description:
        'The version of its definition. It leaves newer tasks to other runners. Null if the runner does not report it',
    },
  }),
  HandlerStep: object('A step of a workflow', {
    step: text,
    name: { ...text, description: 'The name of the step as a task: for statistics, errors and pauses' },
    after: { type: 'array', items: text, description: 'The steps that it waits for' },
    conditional: { type: 'boolean', description: 'Whether the step may be skipped' },
    kind: {
      type: 'string',
      enum: ['handler', 'run', 'map'],
      description: 'A handler, a task of another definition, or a list of such tasks',
    },
    child: { type: ['string', 'null'], description: 'The name of the definition that it runs or maps' },
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
export const namespaceParameter = part('namespace', 'The first part of the task names');
export const nameParameter = part('name', 'The name without the namespace. The full name is accepted too');

/** The paths that describe the tasks which the pool can execute (specification R7). */
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

/**
 * `GET /v1/handlers` (specification R7): the definitions that the pool can execute and the caller may see.
 */
export const listHandlers: Operation = async (context, _request, response) => {
  const handlers = await readHandlers(context.reads, { namespaces: seenBy(context) });
  response.json({ handlers: handlers.map((handler) => described(context, handler)) });
};

/** `GET /v1/handlers/{namespace}`: the definitions of one namespace. */
export const listNamespaceHandlers: Operation = async (context, request, response) => {
  const namespace = String(request.params.namespace);
  const handlers = await readHandlers(context.reads, { namespaces: seenBy(context), namespace });
  if (handlers.length === 0) {
    const names = await listHandlerNames(context.reads, seenBy(context));
    const namespaces = [...new Set(names.map(namespaceOf))];
    throw notRegistered(`task of the namespace ${JSON.stringify(namespace)}`, closest(namespace, namespaces));
  }
  response.json({ handlers: handlers.map((handler) => described(context, handler)) });
};

/**
 * `GET /v1/handlers/{namespace}/{name}` (specification R7): one definition. The name is the part after the
 * namespace, or the full name. Steps of workflows can be read here, though lists do not contain them.
 */
export const getHandler: Operation = async (context, request, response) => {
  const namespace = String(request.params.namespace);
  const name = String(request.params.name);
  const full = `${namespace}.${name}`;
  const found = await readHandlers(context.reads, {
    namespaces: seenBy(context),
    namespace,
    names: [full, name],
  });
  // The full name may be `a.b` or `a.a.b`.
  const handler = found.find((one) => one.name === full) ?? found[0];
  if (handler === undefined) {
    const close = closest(full, await listHandlerNames(context.reads, seenBy(context)));
    throw notRegistered(`task ${JSON.stringify(full)}`, close);
  }
  response.json(described(context, handler));
};

/**
 * The namespaces whose definitions a caller may see. Only a caller for all namespaces sees built-in tasks.
 */
export function seenBy({ principal }: RequestContext): readonly string[] | null {
  return principal.namespaces?.filter((namespace) => !isOwnNamespace(namespace)) ?? null;
}

/**
 * A handler with what this process knows about it: its description, and how well waiting tasks fit its
 * definition.
 */
type Described = Handler & { description: string | null; waiting: Waiting | null };

/** A handler in the form of the API. */
function described({ registry, waiting }: RequestContext, handler: Handler): Described {
  const { name, workflow } = handler;
  waiting.refresh();
  const root = registry.get(workflow ?? name);
  const definition =
    workflow === null ? root : root?.graph?.steps.find((step) => step.definition.name === name)?.definition;
  return {
    ...handler,
    policy: inSnakeCase(handler.policy),
    description: definition?.description ?? null,
    waiting: waiting.of(name),
  };
}

/**
 * JSON with names in snake_case, as everything on the wire. Definitions have them in camelCase, and those of other
 * repositories may have parts that this version does not know.
 */
function inSnakeCase<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(inSnakeCase) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const parts = Object.entries(value).map(([name, part]) => [
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    inSnakeCase(part),
  ]);
  return Object.fromEntries(parts) as Value;
}

/** The error if nothing is registered, or nothing that the caller may see. `close` lists similar names. */
export function notRegistered(what: string, close: string[]): ErrandError {
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see GET /v1/handlers';
  const details = close.map((message) => ({ path: '/path', message }));
  return new ErrandError(
    'NOT_FOUND',
    `No ${what} is registered: ${hint}`,
    close.length > 0 ? { details } : {},
  );
}
