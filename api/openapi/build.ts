import { MAX_NAMES, MAX_OBJECTS, MAX_VALUES } from '../../core/json_text.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { VERSION } from '../../process/version.ts';
import { policyOf } from '../operations.ts';
import { analyticsPaths, analyticsSchemas } from './analytics_paths.ts';
import { sharedAnswers, sharedHeaders } from './answers.ts';
import { callbackPaths, callbackSchemas } from './callback_paths.ts';
import { definitionSchemas } from './definition_schemas.ts';
import { type Components, type OpenApiDocument, operationsOf, type Paths } from './document.ts';
import { explainPaths, explainSchemas } from './explain_paths.ts';
import { handlerPaths, handlerSchemas } from './handler_paths.ts';
import { operatePaths, operateSchemas } from './operate_paths.ts';
import { probeSchemas, processPaths } from './process_paths.ts';
import { sharedSchemas } from './schemas.ts';
import { securityOf, securitySchemes } from './security.ts';
import { shareParameters } from './share.ts';
import { anyTaskPaths, oneTaskPaths, runnerPaths } from './shared_paths.ts';
import { streamPaths, streamSchemas } from './stream_paths.ts';
import { submissionSchemas } from './submission.ts';
import { tagsOf } from './tags.ts';
import { taskComponents, taskPaths } from './task_paths.ts';
import { webhookPaths, webhookSchemas } from './webhook_paths.ts';
import { workflowAnalyticsPaths, workflowAnalyticsSchemas } from './workflow_analytics_paths.ts';
import { workflowPaths, workflowSchemas } from './workflow_paths.ts';

/** The description of the whole API, with paths and schemas of each of these definitions (specification T4). */
export function buildOpenApi(definitions: readonly TaskDefinition[]): OpenApiDocument {
  const { paths, parameters } = shareParameters(withSecurity(withUniqueIds(pathsOf(definitions))));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Errand',
      version: VERSION,
      description:
        'A typed task queue on Postgres: submit tasks by name, read what became of them, retry them. ' +
        `A body has at most 10 MB, ${MAX_OBJECTS} objects and lists, ${MAX_NAMES} different names of properties and, in one payload, ${MAX_VALUES} values (properties and items); more is \`PAYLOAD_TOO_LARGE\`.`,
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
  return {
    ...anyTaskPaths(definitions[0]),
    ...analyticsPaths(),
    ...oneTaskPaths(),
    ...explainPaths(),
    ...streamPaths(),
    ...workflowPaths(),
    ...operatePaths(),
    ...webhookPaths(),
    ...callbackPaths(),
    ...Object.assign({}, ...definitions.map(taskPaths)),
    ...runnerPaths(),
    ...handlerPaths(),
    ...workflowAnalyticsPaths(),
    ...processPaths(),
  };
}

const schemas = {
  ...sharedSchemas,
  ...submissionSchemas,
  ...operateSchemas,
  ...webhookSchemas,
  ...callbackSchemas,
  ...explainSchemas,
  ...streamSchemas,
  ...workflowSchemas,
  ...handlerSchemas,
  ...analyticsSchemas,
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

/** `a.b_c` and `a_b.c` give the same identifier: the second gets a number. */
function withUniqueIds(paths: Paths): Paths {
  const seen = new Map<string, number>();
  for (const operation of operationsOf({ paths })) {
    const count = (seen.get(operation.operationId) ?? 0) + 1;
    seen.set(operation.operationId, count);
    if (count > 1) operation.operationId += `_${count}`;
  }
  return paths;
}

/** What most operations ask for, those of the tasks: it holds for all that say nothing else. */
const USUAL_POLICY = 'submit';

/** As the policies say that are looked at for real. */
function withSecurity(paths: Paths): Paths {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const policy = policyOf(method, path);
      if (policy !== USUAL_POLICY) operation.security = securityOf(policy);
    }
  }
  return paths;
}
