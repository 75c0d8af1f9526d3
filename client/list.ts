import { toCamelCase } from './camel_case.ts';
import type { CallOptions } from './options.ts';
import type { State, TaskSummary } from './records.ts';
import type { Transport } from './transport.ts';

/** What tasks a list is narrowed to. */
export type ListOptions = CallOptions & {
  name?: string | undefined;
  namespace?: string | undefined;
  /** In this state, or in one of these. */
  state?: State | readonly State[] | undefined;
  tag?: string | undefined;
  initiator?: string | undefined;
  /** With this text in the message of the error, in any case. */
  error?: string | undefined;
  errorGroup?: string | undefined;
  /** Steps and other children of this task. */
  parentId?: string | undefined;
  /** With `true` only tasks that are no part of another one. */
  topLevel?: boolean | undefined;
  /** Created at or after. */
  createdFrom?: Date | string | undefined;
  /** Created before. */
  createdTo?: Date | string | undefined;
  /** Finished at or after. */
  finishedFrom?: Date | string | undefined;
  /** Finished before. */
  finishedTo?: Date | string | undefined;
  /** How many are fetched at a time: 100, which is the most. */
  pageSize?: number | undefined;
};

type Page = { tasks: unknown[]; next_cursor: string | null };

/**
 * Gives all tasks that match, newest first, a page at a time as they are wanted. Each page goes on after the last task
 * of the one before (keyset), so none comes twice and none is left out, whatever is submitted in the meantime.
 */
export async function* listTasks(
  transport: Transport,
  { signal, ...filter }: ListOptions = {},
): AsyncGenerator<TaskSummary> {
  const query = {
    name: filter.name,
    namespace: filter.namespace,
    state: filter.state,
    tag: filter.tag,
    initiator: filter.initiator,
    error: filter.error,
    error_group: filter.errorGroup,
    parent_id: filter.parentId,
    top_level: filter.topLevel,
    created_from: toTime(filter.createdFrom),
    created_to: toTime(filter.createdTo),
    finished_from: toTime(filter.finishedFrom),
    finished_to: toTime(filter.finishedTo),
    page_size: filter.pageSize ?? 100,
  };
  let cursor: string | undefined;
  do {
    const { body } = await transport.send({
      method: 'GET',
      path: '/v1/tasks',
      query: { ...query, cursor },
      signal,
      keepsTrying: cursor !== undefined,
    });
    const { tasks, next_cursor } = body as Page;
    for (const task of tasks) yield toCamelCase(task) as TaskSummary;
    cursor = next_cursor ?? undefined;
  } while (cursor !== undefined);
}

function toTime(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}
