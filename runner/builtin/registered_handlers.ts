import type { Pool } from 'pg';
import type { Config } from '../../config/schema.ts';
import type { Handler, TaskDefinition } from '../../core/task.ts';
import { isWorkflow } from '../../core/workflow.ts';
import { loadCode } from '../../project/code.ts';
import type { Project } from '../../project/project.ts';
import { ciBuild } from '../../tasks/ci.build.task.ts';
import { bulk } from '../../tasks/errand.bulk.task.ts';
import { httpRequest } from '../../tasks/http.request.task.ts';
import { deliver } from '../../tasks/webhook.deliver.task.ts';
import { registration } from '../execute/batch_call.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import { type WorkflowCode, workflowHandlers } from '../execute/workflow.ts';
import { bulkHandler } from './bulk.ts';
import { type DeliverOptions, deliverHandler } from './deliver.ts';

/** Loads the handlers of a project and of the built-in tasks. */
export async function allHandlers(
  config: Config,
  pgPool: Pool,
  project: Project,
): Promise<Map<string, RegisteredHandler>> {
  const own = builtinHandlers(pgPool, {
    allowPrivate: config.ALLOW_PRIVATE_TARGETS,
    secrets: config.WEBHOOK_SECRETS ?? [],
  });
  return new Map([
    ...(await loadHandlers(pgPool, project.registry.definitions, (one) => codeOf(config, project, one))),
    ...own,
  ]);
}

/**
 * Two shipped handlers depend on the configuration. Their modules read that of the environment, which is not
 * the one of this runner if another program has started it.
 */
async function codeOf(config: Config, project: Project, definition: TaskDefinition): Promise<unknown> {
  if (definition === httpRequest) return (await import('../../tasks/http/send.ts')).senderFor(config);
  if (definition === ciBuild) return (await import('../../tasks/ci/build.ts')).builderFor(config);
  return loadCode(project, definition);
}

/**
 * The registered handlers of these definitions by task name, including the steps of workflows.
 * Loads every handler now, so that a broken one stops the start instead of failing tasks.
 */
export async function loadHandlers(
  pool: Pool,
  definitions: readonly TaskDefinition[],
  load: (definition: TaskDefinition) => Promise<unknown>,
): Promise<Map<string, RegisteredHandler>> {
  const loaded = await Promise.all(
    definitions.map(async (definition): Promise<[string, RegisteredHandler][]> => {
      const handler = await load(definition);
      return isWorkflow(definition)
        ? workflowHandlers(pool, definition, handler as WorkflowCode)
        : [[definition.name, registration(definition, handler)]];
    }),
  );
  return new Map(loaded.flat());
}

/** The built-in tasks. Their handlers use the ledger, unlike those in tasks/. */
export function builtinHandlers(pool: Pool, callbacks: DeliverOptions): [string, RegisteredHandler][] {
  return [
    [bulk.name, { definition: bulk, handler: bulkHandler(pool) as Handler }],
    [deliver.name, { definition: deliver, handler: deliverHandler(pool, callbacks) as Handler }],
  ];
}
