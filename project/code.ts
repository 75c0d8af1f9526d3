import { relative } from 'node:path';
import { definitionOfCode, type TaskDefinition } from '../core/task.ts';
import { isWorkflow } from '../core/workflow.ts';
import { loadHandler } from '../tasks/handlers.ts';
import { ProjectError } from './config.ts';
import { importModule } from './module.ts';
import type { Project } from './project.ts';

/**
 * Loads the code of a definition of a project: its handler, or the steps of a workflow. Only runners do.
 * Throws ProjectError if the file exports none, or that of another task.
 */
export async function loadCode(project: Project, definition: TaskDefinition): Promise<unknown> {
  const { name } = definition;
  const listed = project.list?.handlers[name];
  if (listed !== undefined) return boundTo(definition, (await listed()).default, `the handler of ${name}`);
  const file = project.codeFiles.get(name);
  if (file === undefined) return loadHandler(name);
  const shown = relative(project.directory, file);
  return boundTo(definition, (await importModule(file, shown)).default, shown);
}

function boundTo(definition: TaskDefinition, code: unknown, shown: string): unknown {
  const task = definitionOfCode(code)?.name;
  if (task === definition.name) return code;
  const made = isWorkflow(definition)
    ? 'defineSteps'
    : definition.batch === undefined
      ? 'defineHandler'
      : 'defineBatchHandler';
  throw new ProjectError(
    task === undefined
      ? `${shown} must export default ${made}(…) of ${definition.name}`
      : `${shown} has the code of ${task}, not of ${definition.name}: import the definition beside it`,
  );
}
