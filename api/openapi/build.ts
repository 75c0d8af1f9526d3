import { stringify } from 'yaml';
import type { TaskDefinition } from '../../core/task.ts';
import { VERSION } from '../../process/version.ts';
import { analyticsPaths, analyticsSchemas } from './analytics_paths.ts';
import { callbackPaths, callbackSchemas } from './callback_paths.ts';
import type { OpenApiDocument, Paths } from './document.ts';
import { explainPaths, explainSchemas } from './explain_paths.ts';
import { handlerPaths, handlerSchemas } from './handler_paths.ts';
import { operatePaths, operateSchemas } from './operate_paths.ts';
import { probeSchemas, processPaths } from './process_paths.ts';
import { sharedSchemas } from './schemas.ts';
import { anyTaskPaths, oneTaskPaths, runnerPaths } from './shared_paths.ts';
import { streamPaths, streamSchemas } from './stream_paths.ts';
import { taskPaths, taskSchemas } from './task_paths.ts';
import { webhookPaths, webhookSchemas } from './webhook_paths.ts';
import { workflowAnalyticsPaths, workflowAnalyticsSchemas } from './workflow_analytics_paths.ts';
import { workflowPaths, workflowSchemas } from './workflow_paths.ts';

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
    paths: withUniqueIds({
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
    }),
    components: {
      schemas: {
        ...sharedSchemas,
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
        ...Object.assign({}, ...definitions.map(taskSchemas)),
      },
    },
  };
}

/** `a.b_c` and `a_b.c` give the same identifier: the second gets a number. */
function withUniqueIds(paths: Paths): Paths {
  const seen = new Map<string, number>();
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const count = (seen.get(operation.operationId) ?? 0) + 1;
    seen.set(operation.operationId, count);
    if (count > 1) operation.operationId += `_${count}`;
  }
  return paths;
}

/** The document as openapi.yaml holds it. */
export function toYaml(document: OpenApiDocument): string {
  const notice =
    '# Generated from the task definitions by `npm run openapi`. Do not edit: a test holds it fresh.\n';
  return notice + stringify(document, { aliasDuplicateObjects: false, lineWidth: 110 });
}
