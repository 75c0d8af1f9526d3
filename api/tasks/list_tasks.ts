import type { Request } from 'express';
import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { got } from '../../core/json/json.ts';
import { countTasks, listTasks as readTasks } from '../../store/tasks/list.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import {
  DEFAULT_PAGE_SIZE,
  inQuery,
  MAX_PAGE_SIZE,
  type Parameter,
  textUpTo,
} from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { filterParameters, filterSchema, toFilter } from './filter.ts';

/** Numbered pages reach this many tasks. Deeper pages need the cursor. */
const MAX_PAGE_REACH = 10_000;

const listParameters: Parameter[] = [
  ...filterParameters,
  inQuery(
    'page',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_REACH, default: 1 },
    `The page number, from 1. Pages reach ${MAX_PAGE_REACH} tasks; for more, use the cursor`,
  ),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Tasks per page',
  ),
  inQuery('cursor', textUpTo(100), 'next_cursor of the previous page. Reading deep pages costs no more'),
];

/** The operation in the OpenAPI document. */
export function listTasksPaths(): Paths {
  return {
    '/v1/tasks': {
      get: {
        tags: ['tasks'],
        operationId: 'listTasks',
        summary: 'List tasks, newest first',
        parameters: listParameters,
        responses: {
          200: jsonAnswer('A page of tasks', ref('TaskList'), {
            Link: { schema: { type: 'string' }, description: 'RFC 8288: rel="next" and rel="first"' },
          }),
          ...failures(400),
        },
      },
    },
  };
}

/** The query after the validator, which has checked its bounds and converted numbers and lists. */
const querySchema = filterSchema.extend({
  page: z.int(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

type Query = z.output<typeof querySchema>;

/** `GET /v1/tasks` (specification R2): filters, numbered pages with a total, and a cursor for deep pages. */
export const listTasks: Operation = async (context, request, response) => {
  const query = parseQuery(querySchema, request);
  const before = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const offset = before === undefined ? (query.page - 1) * query.page_size : 0;
  if (offset + query.page_size > MAX_PAGE_REACH) throw tooDeep(query);
  const filter = toFilter(context, query, '/query');
  const [{ tasks, more }, { total, isEstimate }] = await Promise.all([
    readTasks(context.reads, filter, { size: query.page_size, offset, before }),
    countTasks(context.reads, filter),
  ]);
  const last = tasks.at(-1);
  const next = more && last !== undefined ? encodeCursor(last.id) : null;
  response.links(links(context, request, next));
  response.json({
    tasks,
    page: before === undefined ? query.page : null,
    page_size: query.page_size,
    total,
    total_is_estimate: isEstimate,
    next_cursor: next,
  });
};

/** The links of RFC 8288. They keep the filters of the request. */
function links(context: RequestContext, request: Request, nextCursor: string | null): Record<string, string> {
  const to = (cursor: string | null): string => {
    const url = new URL(request.url, 'http://errand');
    url.searchParams.delete('cursor');
    url.searchParams.delete('page');
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    return context.publicUrl(request, `${url.pathname}${url.search}`);
  };
  return { first: to(null), ...(nextCursor === null ? {} : { next: to(nextCursor) }) };
}

/** A cursor is the id of the last task of a page. It is opaque, so that its form may change. */
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
        message: `is not a cursor of this API: use next_cursor of the previous page${got(cursor)}`,
      },
    ],
  });
}

function tooDeep(query: Query): ErrandError {
  const message = `with page_size ${query.page_size} must not reach beyond ${MAX_PAGE_REACH} tasks: use the cursor, got ${query.page}`;
  return new ErrandError('VALIDATION_FAILED', 'The page is too deep', {
    details: [{ path: '/query/page', message }],
  });
}
