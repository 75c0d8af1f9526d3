import type { BatchHandler } from './batch_handler.ts';
import type { ScheduleDefinition } from './schedules/schedule.ts';
import type { Handler, TaskDefinition } from './task.ts';
import type { WorkflowDefinition, WorkflowHandlers } from './workflow.ts';

/** The code of a definition: a handler, a batch handler, or the steps of a workflow. */
export type CodeOf<D extends TaskDefinition> = D extends WorkflowDefinition
  ? WorkflowHandlers<D>
  : Handler<D> | BatchHandler<D>;

/**
 * For each task name, a function that loads the module of its code. It does not compile if a name is missing,
 * or if the code belongs to another task.
 */
export type CodeModules<Definitions extends readonly TaskDefinition[]> = {
  [D in Definitions[number] as D['name']]: () => Promise<{ default: CodeOf<D> }>;
};

/** Definitions and how to load their code, for projects whose files cannot be searched (bundlers). */
export type TaskList = {
  readonly definitions: readonly TaskDefinition[];
  readonly handlers: Readonly<Record<string, () => Promise<{ default: unknown }>>>;
  readonly schedules?: readonly ScheduleDefinition[];
};

/** Lists tasks and schedules explicitly. The types hold each handler against its definition. */
export function listTasks<const Definitions extends readonly TaskDefinition[]>(list: {
  definitions: Definitions;
  handlers: CodeModules<Definitions>;
  schedules?: readonly ScheduleDefinition[];
}): TaskList {
  return list;
}
