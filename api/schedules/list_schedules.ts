import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { detail, got } from '../../core/json/json.ts';
import { SCHEDULE_ID_MAX_LENGTH, SCHEDULE_ID_PATTERN } from '../../core/schedules/settings.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import {
  listSchedules as readSchedules,
  SCHEDULE_ORIGINS,
  SCHEDULE_STATES,
} from '../../store/schedules/read.ts';
import { takeTurns } from '../capacity/turns.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import {
  DEFAULT_PAGE_SIZE,
  inQuery,
  MAX_PAGE_SIZE,
  type Parameter,
  textUpTo,
} from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { visibleNamespaces } from '../tasks/filter.ts';
import { toSummary } from './shown.ts';

/** The component schema of the list. */
export const listScheduleSchemas = {
  ScheduleList: object('One page of schedules, by id', {
    schedules: { type: 'array', items: ref('ScheduleSummary') },
    next_cursor: {
      type: ['string', 'null'],
      description: 'The cursor of the next page. Null on the last page',
    },
  }),
};

const parameters: Parameter[] = [
  inQuery('namespace', textUpTo(NAME_MAX_LENGTH), 'Only schedules of this namespace'),
  inQuery('task', textUpTo(NAME_MAX_LENGTH), 'Only schedules of the task with this name'),
  inQuery('state', { type: 'string', enum: [...SCHEDULE_STATES] }, 'Only schedules in this state'),
  inQuery('origin', { type: 'string', enum: [...SCHEDULE_ORIGINS] }, 'Only schedules of this origin'),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Schedules per page',
  ),
  inQuery('cursor', textUpTo(200), 'next_cursor of the previous page'),
];

/** The operation in the OpenAPI document. */
export function listSchedulesPaths(): Paths {
  return {
    '/v1/schedules': {
      get: {
        tags: ['schedules'],
        operationId: 'listSchedules',
        summary: 'List the schedules, by id',
        parameters,
        responses: { 200: jsonAnswer('A page of schedules', ref('ScheduleList')), ...failures() },
      },
    },
  };
}

const querySchema = z.object({
  namespace: z.string().optional(),
  task: z.string().optional(),
  state: z.enum(SCHEDULE_STATES).optional(),
  origin: z.enum(SCHEDULE_ORIGINS).optional(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

/** `GET /v1/schedules` (specification K7): those that the caller may see. */
export const listSchedules: Operation = async (context, request, response) => {
  const { namespace, cursor, page_size: size, ...filter } = parseQuery(querySchema, request);
  const { schedules, more } = await readSchedules(
    context.reads,
    { ...filter, namespaces: visibleNamespaces(context, namespace) },
    { after: cursor === undefined ? undefined : decodeCursor(cursor), size },
  );
  const shown: Record<string, unknown>[] = [];
  // Words for a timing take up to a millisecond.
  const turns = takeTurns(() => context.throwIfOver());
  for (const schedule of schedules) {
    shown.push(toSummary(schedule));
    await turns();
  }
  const last = schedules.at(-1);
  response.json({ schedules: shown, next_cursor: more && last !== undefined ? encodeCursor(last.id) : null });
};

/** A cursor is the id of the last schedule of a page. It is opaque, so that its form may change. */
function encodeCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

function decodeCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  const isId = SCHEDULE_ID_PATTERN.test(id) && id.length <= SCHEDULE_ID_MAX_LENGTH;
  if (isId && encodeCursor(id) === cursor) return id;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      detail(
        '/query/cursor',
        `is not a cursor of this API: use next_cursor of the previous page${got(cursor)}`,
      ),
    ],
  });
}
