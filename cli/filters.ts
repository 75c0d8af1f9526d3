import type { Command } from 'commander';
import type { State } from '../client/index.ts';
import { pastTime, states } from './options.ts';

/** The filters for tasks, as commander gives them. */
export type FilterOptions = {
  name?: string;
  namespace?: string;
  state?: State[];
  tag?: string;
  initiator?: string;
  submittedBy?: string;
  error?: string;
  errorGroup?: string;
  parent?: string;
  topLevel?: boolean;
  createdFrom?: string;
  createdTo?: string;
  finishedFrom?: string;
  finishedTo?: string;
};

/** Adds the filters of `GET /v1/tasks` to a command. */
export function addFilters(command: Command): Command {
  return command
    .optionsGroup('Filters:')
    .option('--state <states>', 'tasks in this state, or in one of several (commas, or repeated)', states)
    .option('--name <name>', 'tasks of this name')
    .option('--namespace <namespace>', 'tasks of this namespace')
    .option('--tag <tag>', 'tasks with this tag')
    .option('--initiator <initiator>', 'tasks that this person or system asked for')
    .option('--submitted-by <principal>', 'tasks of this submitter, such as user:ann or key:ci')
    .option('--error <text>', 'tasks whose error message contains this text')
    .option('--error-group <group>', 'tasks of a group of `errand errors`')
    .option('--parent <id>', 'steps and other children of this task')
    .option('--top-level', 'only tasks that are not part of another task')
    .option('--created-from <time>', 'created at or after this time: 2h (ago), 2026-11-30T14:00', pastTime)
    .option('--created-to <time>', 'created before this time', pastTime)
    .option('--finished-from <time>', 'finished at or after this time', pastTime)
    .option('--finished-to <time>', 'finished before this time', pastTime)
    .optionsGroup('Options:');
}

/** The filter in the names of the API. Filters that were not given are missing. */
export function toFilter(options: FilterOptions): Record<string, string | boolean | string[]> {
  const all = {
    name: options.name,
    namespace: options.namespace,
    state: options.state,
    tag: options.tag,
    initiator: options.initiator,
    submitted_by: options.submittedBy,
    error: options.error,
    error_group: options.errorGroup,
    parent_id: options.parent,
    top_level: options.topLevel,
    created_from: options.createdFrom,
    created_to: options.createdTo,
    finished_from: options.finishedFrom,
    finished_to: options.finishedTo,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
