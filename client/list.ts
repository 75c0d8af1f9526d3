import { toCamelCase } from './camel_case.ts';
import type { State, TaskSummary } from './records.ts';
import type { Query } from './requests/exchange.ts';
import type { CallOptions } from './requests/options.ts';
import type { Transport } from './requests/transport.ts';

/** The filters of a list of tasks. */
export type TaskFilters = {
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
  /** If `true`, only failed tasks that an operator has dismissed; if `false`, only others. */
  dismissed?: boolean | undefined;
  /**
   * Conditions on the payload, such as `/invoice/id=42`: a JSON Pointer, `=` and a value. One request looks
   * at a bounded number of tasks.
   */
  payload?: string | readonly string[] | undefined;
};

/** The filters of a list, and the size of its pages. */
export type ListOptions = CallOptions &
  TaskFilters & {
    /** How many tasks one request fetches. The default is 100, which is the maximum. */
    pageSize?: number | undefined;
  };

/** The filters of one page, and which page it is. */
export type PageOptions = ListOptions & {
  /** The number of the page, from 1. */
  page?: number | undefined;
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
  /** The fields of each row: columns in the names of the API, and parts such as `payload/invoice/id`. */
  fields?: readonly string[] | undefined;
};

/** A page of tasks. */
export type TaskPage = {
  /** Empty if `fields` was given. */
  tasks: TaskSummary[];
  /** With `fields`: the values of each task by the names of the fields. */
  rows: Record<string, unknown>[] | null;
  /** Null if the page was requested by cursor. */
  page: number | null;
  pageSize: number;
  /** Exact up to 10,000. With `payload`, of the tasks that this page has looked at. */
  total: number;
  totalIsEstimate: boolean;
  nextCursor: string | null;
  /** With `payload`: how far this page has looked. If `isBounded`, the next page goes on. */
  search: { lookedAt: number; isBounded: boolean; matched: number; unread: number } | null;
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
  const query = { ...queryOf(filter), page_size: filter.pageSize ?? 100 };
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

/** Reads one page of matching tasks, newest first. */
export async function readPage(
  transport: Transport,
  { signal, page, pageSize, cursor, fields, ...filter }: PageOptions = {},
): Promise<TaskPage> {
  const { body } = await transport.send({
    method: 'GET',
    path: '/v1/tasks',
    query: { ...queryOf(filter), page, page_size: pageSize, cursor, fields: fields?.join(',') },
    signal,
  });
  // The names of fields are those that the caller gave.
  const { rows, ...rest } = body as { rows: TaskPage['rows'] };
  return { ...(toCamelCase(rest) as Omit<TaskPage, 'rows'>), rows };
}

/**
 * Opens a download of all matching tasks as CSV, newest first. Read the stream to its end or cancel it. If it
 * breaks, the file is not complete.
 */
export async function openCsv(
  transport: Transport,
  { signal, cursor, fields, ...filter }: Omit<PageOptions, 'page' | 'pageSize'> = {},
): Promise<ReadableStream<Uint8Array>> {
  const { response, end } = await transport.open({
    method: 'GET',
    path: '/v1/tasks',
    query: { ...queryOf(filter), cursor, fields: fields?.join(',') },
    headers: { accept: 'text/csv' },
    signal,
  });
  const done = new TransformStream<Uint8Array, Uint8Array>({ flush: end });
  return (response.body ?? new ReadableStream({ start: (empty) => empty.close() })).pipeThrough(done);
}

function queryOf(filter: TaskFilters): Query {
  return {
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
    dismissed: filter.dismissed,
    payload: filter.payload,
  };
}

/** A time as the API reads it. */
export function toTime(time: Date | string | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}
