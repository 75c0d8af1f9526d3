import type { UseQueryOptions } from '@tanstack/preact-query';
import type { Query } from '../../client/requests/exchange.ts';
import { lineFields } from '../url/parts.ts';
import type { TaskList, TaskSummary } from './records.ts';
import { useRead } from './use_read.ts';

type Shown = 'id' | 'name' | 'state' | 'skipped' | 'attempt' | 'max_attempts' | 'tags';
type Times = 'created_at' | 'started_at' | 'finished_at';

/** What a list shows of a task, by the names of the fields that the API was asked for. */
export type TaskLine = Pick<TaskSummary, Shown | Times | 'progress' | 'progress_note'> & {
  'error/error_type': string | null;
  'error/message': string | null;
  /** The chosen parts of its payload, such as `payload/invoice/id`. */
  [part: `payload/${string}`]: unknown;
};

/** A page of tasks, of each only what a list shows. */
export type TaskLines = Omit<TaskList, 'tasks' | 'rows'> & { rows: TaskLine[] };

/** The part of a query that makes the API answer `TaskLines`. */
export function linesWith(parts: readonly string[] = []): { fields: string } {
  return { fields: lineFields(parts) };
}

type Options = Omit<UseQueryOptions<TaskLines>, 'queryKey' | 'queryFn'> & {
  parts?: readonly string[] | undefined;
};

/** Reads a page of tasks for a list. */
export function useTasks(key: readonly unknown[], query: Query, { parts, ...options }: Options = {}) {
  return useRead<TaskLines>(key, '/v1/tasks', { ...options, query: { ...query, ...linesWith(parts) } });
}
