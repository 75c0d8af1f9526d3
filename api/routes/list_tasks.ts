import type { Request } from 'express';
import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { got } from '../../core/json.ts';
import { countTasks, listTasks as readTasks } from '../../store/list.ts';
import type { Operation } from '../call.ts';
import { filterSchema, toFilter } from '../filter.ts';
import { MAX_PAGE_REACH } from '../openapi/parameters.ts';
import { parseQuery } from '../request.ts';

/** The query as the validator leaves it: bounds checked, numbers and lists made. */
const querySchema = filterSchema.extend({
  page: z.int(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

type Query = z.output<typeof querySchema>;

/** `GET /v1/tasks` (specification R2): filters, numbered pages with a total, and a cursor for deep pages. */
export const listTasks: Operation = async (call, request, response) => {
  const query = parseQuery(querySchema, request);
  const before = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const offset = before === undefined ? (query.page - 1) * query.page_size : 0;
  if (offset + query.page_size > MAX_PAGE_REACH) throw tooDeep(query);
  const filter = toFilter(call, query, '/query');
  const [{ tasks, more }, { total, isEstimate }] = await Promise.all([
    readTasks(call.reads, filter, { size: query.page_size, offset, before }),
    countTasks(call.reads, filter),
  ]);
  const last = tasks.at(-1);
  const next = more && last !== undefined ? encodeCursor(last.id) : null;
  response.links(links(request, next));
  response.json({
    tasks,
    page: before === undefined ? query.page : null,
    page_size: query.page_size,
    total,
    total_is_estimate: isEstimate,
    next_cursor: next,
  });
};

/** RFC 8288. The links keep the filters of the request. */
function links(request: Request, nextCursor: string | null): Record<string, string> {
  const to = (cursor: string | null): string => {
    const url = new URL(request.originalUrl, 'http://errand');
    url.searchParams.delete('cursor');
    url.searchParams.delete('page');
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    return `${url.pathname}${url.search}`;
  };
  return { first: to(null), ...(nextCursor === null ? {} : { next: to(nextCursor) }) };
}

/** A cursor is the id of the last task of a page; opaque, so that it may become something else. */
function encodeCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

function decodeCursor(cursor: string): string {
  const hex = Buffer.from(cursor, 'base64url').toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (z.uuid().safeParse(id).success && encodeCursor(id) === cursor) return id;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      {
        path: '/query/cursor',
        message: `is not a cursor of this API: use next_cursor of the page before${got(cursor)}`,
      },
    ],
  });
}

function tooDeep(query: Query): ErrandError {
  const message = `reaches beyond ${MAX_PAGE_REACH} tasks with page_size ${query.page_size}: use the cursor, got ${query.page}`;
  return new ErrandError('VALIDATION_FAILED', 'The page is too deep', {
    details: [{ path: '/query/page', message }],
  });
}
