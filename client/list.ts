import { toCamelCase } from './camel_case.ts';
import type { State, TaskSummary } from './records.ts';
import type { CallOptions } from './requests/options.ts';
import type { Transport } from './requests/transport.ts';

/** The filters of a list of tasks. */
export type ListOptions = CallOptions & {
  name?: string | undefined;
  namespace?: string | undefined;
  /** Only tasks in this state, or in one of these states. */
  state?: State | readonly State[] | undefined;
  tag?: string | undefined;
  initiator?: string | undefined;
  submittedBy?: string | undefined;
  /** Only tasks of this schedule. */
  scheduleId?: string | undefined;
  /** Only tasks whose error message contains this text. Case does not matter. */
  error?: string | undefined;
  errorGroup?: string | undefined;
  /** Only steps and other children of this task. */
  parentId?: string | undefined;
  /** If `true`, only tasks that are not part of another task. */
  topLevel?: boolean | undefined;
  /** Only tasks created at or after this time. */
  createdFrom?: Date | string | undefined;
  /** Only tasks created before this time. */
  createdTo?: Date | string | undefined;
  /** Only tasks finished at or after this time. */
  finishedFrom?: Date | string | undefined;
  /** Only tasks finished before this time. */
  finishedTo?: Date | string | undefined;
  /** How many tasks one request fetches. The default is 100, which is the maximum. */
  pageSize?: number | undefined;
};

type Page = { tasks: unknown[]; next_cursor: string | null };

/**
 * Gives all matching tasks, newest first. Fetches a page when it is needed. Each page continues after the
 * last task of the previous one (keyset). So no task appears twice or is missing, whatever is submitted
 * meanwhile.
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
    submitted_by: filter.submittedBy,
    schedule_id: filter.scheduleId,
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
