import type { Request, Response } from 'express';
import { csvLine } from '../../core/csv.ts';
import type { TaskFilter } from '../../store/tasks/filter.ts';
import { listRows } from '../../store/tasks/list.ts';
import type { RequestContext } from '../context.ts';

/** The media type of an export (RFC 7111). */
export const CSV = 'text/csv';

/** Rows of one read: at most one page is in memory. */
const PAGE_ROWS = 500;
/** As many as a spreadsheet can hold. */
export const MAX_EXPORT_ROWS = 1_000_000;
/** The header of an export with the maximum number of its rows. */
export const ROW_LIMIT_HEADER = 'X-Row-Limit';

const DEFAULT_FIELDS = [
  ...['id', 'name', 'state', 'created_at', 'run_at', 'started_at', 'finished_at', 'attempt', 'max_attempts'],
  ...['error/error_type', 'error/message', 'tags', 'initiator', 'submitted_by', 'parent_id'],
];

/** Whether a caller prefers CSV to JSON. */
export function wantsCsv(request: Request): boolean {
  return request.accepts(['json', CSV]) === CSV;
}

/**
 * Answers with all tasks that match a filter as CSV, newest first, from the task `before` on. Reads the
 * next page when the reader has taken the last one. Nothing is written before the first page is read, so
 * that its errors have their status. An error after that cuts the connection: a part is never complete.
 */
export async function exportTasks(
  context: RequestContext,
  response: Response,
  filter: TaskFilter,
  options: { fields: readonly string[] | undefined; before: string | undefined },
): Promise<void> {
  const fields = options.fields ?? DEFAULT_FIELDS;
  const read = (before: string | undefined) =>
    listRows(context.reads, filter, { size: PAGE_ROWS, offset: 0, before }, fields);
  let page = await read(options.before);
  const download = context.openDownload({
    'Content-Type': `${CSV}; charset=utf-8; header=present`,
    'Content-Disposition': 'attachment; filename="tasks.csv"',
    'Cache-Control': 'no-store',
    [ROW_LIMIT_HEADER]: String(MAX_EXPORT_ROWS),
  });
  if (response.locals.isHead === true) return download.end();
  await download.send(csvLine(fields));
  for (let left = MAX_EXPORT_ROWS; ; ) {
    const rows = page.tasks.slice(0, left);
    await download.send(rows.map((row) => csvLine(fields.map((field) => row[field]))).join(''));
    left -= rows.length;
    if (page.next === null || left === 0 || download.isOver()) return download.end();
    page = await read(page.next);
  }
}
