import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { detail, got } from '../../core/json/json.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { listLimits as readLimits } from '../../store/limits/read.ts';
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
import { ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';

const parameters: Parameter[] = [
  inQuery(
    'namespace',
    textUpTo(NAME_MAX_LENGTH),
    'Only limits of this namespace, and those that its definitions share',
  ),
  inQuery('paused', { type: 'boolean' }, 'If true, only limits that are paused; if false, only others'),
  inQuery('waiting', { type: 'boolean' }, 'If true, only limits that tasks wait for; if false, only others'),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, default: DEFAULT_PAGE_SIZE },
    'Limits per page',
  ),
  inQuery('cursor', textUpTo(400), 'next_cursor of the previous page'),
];

/** The operation in the OpenAPI document. */
export function listLimitsPaths(): Paths {
  return {
    '/v1/limits': {
      get: {
        tags: ['limits'],
        operationId: 'listLimits',
        summary: 'List the limits, by name',
        description:
          'Those of the definitions, and those for which an operator has set something. A limit that definitions of several namespaces share is shown to all of them.',
        parameters,
        responses: { 200: jsonAnswer('A page of limits', ref('LimitList')), ...failures() },
      },
    },
  };
}

const querySchema = z.object({
  namespace: z.string().optional(),
  paused: z.boolean().optional(),
  waiting: z.boolean().optional(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

/** `GET /v1/limits` (specification Q7): those that the caller may see. */
export const listLimits: Operation = async (context, request, response) => {
  const { cursor, page_size: size, ...filter } = parseQuery(querySchema, request);
  const { limits, more } = await readLimits(
    context.reads,
    {
      ...filter,
      namespaces: context.principal.namespaces,
      after: cursor === undefined ? undefined : decodeCursor(cursor),
    },
    size,
  );
  const last = limits.at(-1);
  response.json({ limits, next_cursor: more && last !== undefined ? encodeCursor(last.name) : null });
};

/** A cursor is the name of the last limit of a page. It is opaque, so that its form may change. */
function encodeCursor(name: string): string {
  return Buffer.from(name).toString('base64url');
}

function decodeCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString();
  if (/^[a-z][a-z0-9_.:-]*$/.test(name) && encodeCursor(name) === cursor) return name;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      detail(
        '/query/cursor',
        `is not a cursor of this API: use next_cursor of the previous page${got(cursor)}`,
      ),
    ],
  });
}
