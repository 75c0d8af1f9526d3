import type { Request } from 'express';
import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { got } from '../../core/json/json.ts';
import type { TaskRow } from '../../store/tasks/fields.ts';
import type { TaskFilter } from '../../store/tasks/filter.ts';
import {
  countTasks,
  type Listed,
  listRows,
  type Page,
  listTasks as readTasks,
} from '../../store/tasks/list.ts';
import type { TaskSummary } from '../../store/tasks/tasks.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Answer, Paths } from '../openapi/schemas/document.ts';
import {
  DEFAULT_PAGE_SIZE,
  inQuery,
  MAX_PAGE_SIZE,
  type Parameter,
  textUpTo,
} from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { CSV, exportTasks, MAX_EXPORT_ROWS, ROW_LIMIT_HEADER, wantsCsv } from './export_tasks.ts';
import { fieldsOf, fieldsParameter } from './fields.ts';
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
  fieldsParameter,
];

/** The operation in the OpenAPI document. */
export function listTasksPaths(): Paths {
  return {
    '/v1/tasks': {
      get: {
        tags: ['tasks'],
        operationId: 'listTasks',
        summary: 'List tasks, newest first, or download them as CSV',
        description: `With \`Accept: ${CSV}\` the answer has all tasks that match, or those after the cursor, up to ${MAX_EXPORT_ROWS} rows, which ${ROW_LIMIT_HEADER} repeats. \`page\` and \`page_size\` do not apply. A text that a spreadsheet would take for a formula begins with an apostrophe. If the connection breaks, the file is not complete.`,
        parameters: listParameters,
        responses: {
          200: listAnswer(),
          ...failures(400),
        },
      },
    },
  };
}

function listAnswer(): Answer {
  const answer = jsonAnswer('A page of tasks, or all of them as CSV (RFC 4180)', ref('TaskList'), {
    Link: {
      schema: { type: 'string' },
      description: 'RFC 8288: rel="next" and rel="first". An answer in CSV has none',
    },
  });
  return { ...answer, content: { ...answer.content, [CSV]: { schema: { type: 'string' } } } };
}

/** The query after the validator, which has checked its bounds and converted numbers and lists. */
const querySchema = filterSchema.extend({
  page: z.int(),
  page_size: z.int(),
  cursor: z.string().optional(),
  fields: z.string().optional(),
});

type Query = z.output<typeof querySchema>;

/** With one of these filters a list may scan all tasks. */
const HEAVY_FILTERS = [
  ...['error', 'tag', 'initiator', 'submitted_by', 'top_level', 'finished_from', 'finished_to'],
  ...['payload', 'fields'],
];

/** Whether a list may read much. */
export function isHeavyList(request: Request): boolean {
  return HEAVY_FILTERS.some((name) => request.query[name] !== undefined) || wantsCsv(request);
}

/**
 * `GET /v1/tasks` (specification R2, R13): filters, numbered pages with a total, a cursor for deep pages,
 * chosen fields, and CSV.
 */
export const listTasks: Operation = async (context, request, response) => {
  const query = parseQuery(querySchema, request);
  const before = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const filter = toFilter(context, query, '/query');
  const fields = query.fields === undefined ? undefined : fieldsOf(query.fields);
  if (wantsCsv(request)) return exportTasks(context, response, filter, { fields, before });
  const offset = before === undefined ? (query.page - 1) * query.page_size : 0;
  if (offset + query.page_size > MAX_PAGE_REACH) throw tooDeep(query);
  const page = { size: query.page_size, offset, before };
  const [{ tasks, rows, next, search }, { total, isEstimate }] = await readPage(
    context,
    filter,
    page,
    fields,
  );
  const cursor = next === null ? null : encodeCursor(next);
  response.links(links(context, request, cursor));
  response.json({
    tasks,
    page: before === undefined ? query.page : null,
    page_size: query.page_size,
    total,
    total_is_estimate: isEstimate,
    next_cursor: cursor,
    rows,
    search,
  });
};

type ReadPage = Omit<Listed<never>, 'tasks'> & { tasks: TaskSummary[]; rows: TaskRow[] | null };

/** A page, and the number of all tasks. A search by payload counts what it finds. */
async function readPage(
  context: RequestContext,
  filter: TaskFilter,
  page: Page,
  fields: string[] | undefined,
): Promise<[ReadPage, { total: number; isEstimate: boolean }]> {
  // All pages of a filter have one total.
  if (filter.payload === undefined && fields === undefined) {
    return Promise.all([
      context.sharedRead(['page', filter, page], async (reads): Promise<ReadPage> => {
        return { ...(await readTasks(reads, filter, page)), rows: null };
      }),
      context.sharedRead(['total', filter], (reads) => countTasks(reads, filter)),
    ]);
  }
  const { reads } = context;
  const listed =
    fields === undefined
      ? readTasks(reads, filter, page).then((one): ReadPage => ({ ...one, rows: null }))
      : listRows(reads, filter, page, fields).then(
          (one): ReadPage => ({ ...one, tasks: [], rows: one.tasks }),
        );
  if (filter.payload === undefined) return Promise.all([listed, countTasks(reads, filter)]);
  const read = await listed;
  const { matched = 0, is_bounded = false, unread = 0 } = read.search ?? {};
  return [read, { total: matched, isEstimate: is_bounded || unread > 0 || page.before !== undefined }];
}

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
