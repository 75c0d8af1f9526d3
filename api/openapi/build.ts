import { MAX_NAMES, MAX_OBJECTS, MAX_VALUES } from '../../core/json/json_text.ts';
import type { JsonSchema } from '../../core/schema.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { VERSION } from '../../process/version.ts';
import type { Policy } from '../auth/identify.ts';
import { handlerPaths, handlerSchemas } from '../handlers/handlers.ts';
import { deleteLimitPaths } from '../limits/delete_limit.ts';
import { getLimitPaths } from '../limits/get_limit.ts';
import { limitSchemas } from '../limits/limit_schema.ts';
import { listLimitsPaths } from '../limits/list_limits.ts';
import { putLimitPaths, putLimitSchemas } from '../limits/put_limit.ts';
import { policyOf } from '../operations.ts';
import { bulkPaths, bulkSchemas, groupRetryPaths } from '../operators/bulk_schema.ts';
import { callbackPaths, callbackSchemas } from '../operators/callbacks.ts';
import { cancelTaskPaths } from '../operators/cancel_task.ts';
import { decideErrorsPaths, decideErrorsSchemas } from '../operators/decide_errors.ts';
import { deliveryPaths, deliverySchemas } from '../operators/deliveries.ts';
import { dismissTaskPaths } from '../operators/dismiss_task.ts';
import { bulkStandingPaths, bulkStandingSchemas } from '../operators/get_bulk.ts';
import { principalPaths, principalSchemas } from '../operators/get_principal.ts';
import { auditPaths, auditSchemas } from '../operators/list_audit.ts';
import { errorGroupPaths, errorGroupSchemas } from '../operators/list_errors.ts';
import { runnerPaths } from '../operators/list_runners.ts';
import { overviewPaths, overviewSchemas } from '../operators/overview.ts';
import { queuePaths, queueSchemas } from '../operators/queues.ts';
import { resubmitTaskPaths } from '../operators/resubmit_task.ts';
import { retryTaskPaths } from '../operators/retry_task.ts';
import { backfillSchedulePaths, backfillScheduleSchemas } from '../schedules/backfill_schedule.ts';
import { deleteSchedulePaths } from '../schedules/delete_schedule.ts';
import { explainSchedulePaths, explainScheduleSchemas } from '../schedules/explain_schedule.ts';
import { getSchedulePaths } from '../schedules/get_schedule.ts';
import { listScheduleSchemas, listSchedulesPaths } from '../schedules/list_schedules.ts';
import { pauseSchedulePaths } from '../schedules/pause_schedule.ts';
import { previewSchedulePaths, previewScheduleSchemas } from '../schedules/preview_schedule.ts';
import { putSchedulePaths, putScheduleSchemas } from '../schedules/put_schedule.ts';
import { scheduleRunSchemas, scheduleRunsPaths } from '../schedules/schedule_runs.ts';
import { scheduleSchemas } from '../schedules/schedule_schema.ts';
import { triggerSchedulePaths } from '../schedules/trigger_schedule.ts';
import { bottlenecksPaths, bottlenecksSchemas } from '../stats/bottlenecks.ts';
import { figuresSchemas } from '../stats/figures.ts';
import { performancePaths, performanceSchemas } from '../stats/performance.ts';
import { taskStatsPaths, taskStatsSchemas } from '../stats/task_stats.ts';
import { ticketPaths, ticketSchemas } from '../streams/issue_ticket.ts';
import { taskEventsPaths } from '../streams/task_events.ts';
import { logSchemas, taskLogsPaths } from '../streams/task_logs.ts';
import { submissionSchemas, taskComponents } from '../submit/submission_schema.ts';
import { submitBatchPaths } from '../submit/submit_batch.ts';
import { submitByNamePaths, submitTaskPaths } from '../submit/submit_task.ts';
import { explainPaths, explainSchemas } from '../tasks/explain_task.ts';
import { getTaskPaths } from '../tasks/get_task.ts';
import { listTasksPaths } from '../tasks/list_tasks.ts';
import { attemptPaths, attemptSchemas } from '../tasks/task_attempts.ts';
import { webhookPaths, webhookSchemas } from '../webhooks/receive_webhook.ts';
import { resolutionPaths } from '../workflows/resolve_step.ts';
import { workflowAnalyticsPaths, workflowAnalyticsSchemas } from '../workflows/workflow_analytics.ts';
import { workflowPaths, workflowSchemas } from '../workflows/workflow_steps.ts';
import { probeSchemas, processPaths } from './process_paths.ts';
import { sharedAnswers, sharedHeaders } from './schemas/answers.ts';
import { definitionSchemas } from './schemas/definition_schemas.ts';
import {
  type Components,
  type OpenApiDocument,
  operationsOf,
  type Paths,
  type Reference,
  refTo,
  type Security,
} from './schemas/document.ts';
import { errorSchemas } from './schemas/error_schemas.ts';
import type { Parameter } from './schemas/parameters.ts';
import { sharedSchemas } from './schemas/schemas.ts';
import { tagsOf } from './schemas/tags.ts';

/**
 * The OpenAPI document of the API, with paths and schemas of each of these definitions (specification T4).
 */
export function buildOpenApi(definitions: readonly TaskDefinition[]): OpenApiDocument {
  const { paths, parameters } = shareParameters(withSecurity(withUniqueIds(pathsOf(definitions))));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Errand',
      version: VERSION,
      description:
        'A typed task queue on Postgres: submit tasks by name, read their results, retry them. ' +
        `A body has at most 10 MB (25 MB at \`/v1/webhooks\`), ${MAX_OBJECTS} objects and lists, ${MAX_NAMES} different names of properties. One payload has at most ${MAX_VALUES} values (properties and items). A larger one gets \`PAYLOAD_TOO_LARGE\`.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(definitions),
    security: securityOf(USUAL_POLICY),
    paths,
    components: { ...componentsOf(definitions), parameters, headers: sharedHeaders, securitySchemes },
  };
}

function pathsOf(definitions: readonly TaskDefinition[]): Paths {
  return together(
    listTasksPaths(),
    submitByNamePaths(definitions[0]),
    taskStatsPaths(),
    performancePaths(),
    bottlenecksPaths(),
    getTaskPaths(),
    cancelTaskPaths(),
    retryTaskPaths(),
    dismissTaskPaths(),
    resubmitTaskPaths(),
    attemptPaths(),
    explainPaths(),
    taskLogsPaths(),
    taskEventsPaths(),
    ticketPaths(),
    workflowPaths(),
    resolutionPaths(),
    bulkPaths(),
    bulkStandingPaths(),
    errorGroupPaths(),
    groupRetryPaths(),
    decideErrorsPaths(),
    overviewPaths(),
    queuePaths(),
    listLimitsPaths(),
    getLimitPaths(),
    putLimitPaths(),
    deleteLimitPaths(),
    listSchedulesPaths(),
    previewSchedulePaths(),
    getSchedulePaths(),
    putSchedulePaths(definitions[0]),
    deleteSchedulePaths(),
    pauseSchedulePaths(),
    triggerSchedulePaths(),
    backfillSchedulePaths(),
    scheduleRunsPaths(),
    explainSchedulePaths(),
    auditPaths(),
    webhookPaths(),
    deliveryPaths(),
    callbackPaths(),
    ...definitions.flatMap((one) => [submitTaskPaths(one), submitBatchPaths(one)]),
    principalPaths(),
    runnerPaths(),
    handlerPaths(),
    workflowAnalyticsPaths(),
    processPaths(),
  );
}

/**
 * Merges the paths of all operations in order. Operations with one path and different methods share an entry.
 */
function together(...parts: Paths[]): Paths {
  const paths: Paths = {};
  for (const [path, methods] of parts.flatMap((part) => Object.entries(part)))
    paths[path] = { ...paths[path], ...methods };
  return paths;
}

const schemas = {
  ...sharedSchemas,
  ...submissionSchemas,
  ...queueSchemas,
  ...limitSchemas,
  ...putLimitSchemas,
  ...scheduleSchemas,
  ...listScheduleSchemas,
  ...putScheduleSchemas,
  ...backfillScheduleSchemas,
  ...scheduleRunSchemas,
  ...explainScheduleSchemas,
  ...previewScheduleSchemas,
  ...bulkSchemas,
  ...bulkStandingSchemas,
  ...errorGroupSchemas,
  ...decideErrorsSchemas,
  ...overviewSchemas,
  ...auditSchemas,
  ...webhookSchemas,
  ...deliverySchemas,
  ...callbackSchemas,
  ...principalSchemas,
  ...attemptSchemas,
  ...errorSchemas,
  ...explainSchemas,
  ...logSchemas,
  ...ticketSchemas,
  ...workflowSchemas,
  ...handlerSchemas,
  ...figuresSchemas,
  ...taskStatsSchemas,
  ...performanceSchemas,
  ...bottlenecksSchemas,
  ...workflowAnalyticsSchemas,
  ...probeSchemas,
};

function componentsOf(definitions: readonly TaskDefinition[]): Pick<Components, 'schemas' | 'responses'> {
  const ofTasks = definitions.map(taskComponents);
  const known: Components['schemas'] = Object.assign({}, schemas, ...ofTasks.map((one) => one.schemas));
  return {
    schemas: Object.assign(known, definitionSchemas(definitions, Object.keys(known))),
    responses: Object.assign({}, sharedAnswers, ...ofTasks.map((one) => one.responses)),
  };
}

/** `a.b_c` and `a_b.c` have the same identifier, so the second one gets a number. */
function withUniqueIds(paths: Paths): Paths {
  const seen = new Map<string, number>();
  for (const operation of operationsOf({ paths })) {
    const count = (seen.get(operation.operationId) ?? 0) + 1;
    seen.set(operation.operationId, count);
    if (count > 1) operation.operationId += `_${count}`;
  }
  return paths;
}

/** The policy of most operations. It is the document's default; other operations state theirs. */
const USUAL_POLICY = 'submit';

/** Adds the security of each operation from the policies that the API enforces. */
function withSecurity(paths: Paths): Paths {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const policy = policyOf(method, path);
      if (policy !== USUAL_POLICY) operation.security = securityOf(policy);
    }
  }
  return paths;
}

/**
 * Moves each parameter that several operations share into the components, under its name, such as `wait`, or
 * `path.name` for a path parameter. Parameters are shared if they are the same object. Throws if two
 * different shared parameters have the same name.
 */
function shareParameters(
  paths: OpenApiDocument['paths'],
): Pick<OpenApiDocument, 'paths'> & Pick<Components, 'parameters'> {
  const uses = new Map<Parameter | Reference, number>();
  for (const { parameters = [] } of operationsOf({ paths }))
    for (const one of parameters) uses.set(one, (uses.get(one) ?? 0) + 1);
  const shared: Components['parameters'] = {};
  for (const operation of operationsOf({ paths })) {
    const { parameters } = operation;
    if (parameters !== undefined)
      operation.parameters = parameters.map((one) =>
        '$ref' in one || uses.get(one) === 1 ? one : reference(shared, one),
      );
  }
  return { paths, parameters: shared };
}

function reference(shared: Components['parameters'], parameter: Parameter): Reference {
  const name = parameter.in === 'path' ? `path.${parameter.name}` : parameter.name;
  shared[name] ??= parameter;
  if (shared[name] !== parameter)
    throw new Error(`Two different parameters have the name ${name}: use one object for both, or rename one`);
  return refTo('parameters', name);
}

/** The ways to authenticate. auth/identify.ts checks requests against them, not the validator of requests. */
const securitySchemes: Record<string, JsonSchema> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token that fits the settings JWT_…. Its scopes say what its holder may do',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'An API key from the setting API_KEYS',
  },
};

/**
 * The security of an operation with this policy: a token or an API key with its scope, or nothing. An
 * operation without a policy would accept any scope, but the process refuses to start with one
 * (operations.ts).
 */
function securityOf(policy: Policy | undefined): Security {
  if (policy === 'open' || policy === 'signed') return [];
  const scopes = policy === undefined || policy === 'known' ? [] : [policy];
  return Object.keys(securitySchemes).map((scheme) => ({ [scheme]: scopes }));
}
