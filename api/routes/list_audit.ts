import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import { got } from '../../core/json.ts';
import { listAudit as readAudit } from '../../store/audit.ts';
import type { Operation } from '../call.ts';
import { visibleNamespaces } from '../filter.ts';
import { parseQuery, toIsoTime } from '../request.ts';

const querySchema = z.object({
  task_id: z.string().optional(),
  namespace: z.string().optional(),
  actor: z.string().optional(),
  action: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  page_size: z.int(),
  cursor: z.string().optional(),
});

/** `GET /v1/audit` (specification R11): what operators did, newest first: who, what, when and why. */
export const listAudit: Operation = async (call, request, response) => {
  const query = parseQuery(querySchema, request);
  const time = (key: 'from' | 'to'): string | undefined =>
    query[key] === undefined ? undefined : toIsoTime(query[key], `/query/${key}`);
  const { entries, more } = await readAudit(
    call.reads,
    {
      taskId: query.task_id,
      namespaces: visibleNamespaces(call, query.namespace),
      self: call.principal.actor,
      actor: query.actor,
      action: query.action,
      from: time('from'),
      to: time('to'),
      before: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
    },
    query.page_size,
  );
  const last = entries.at(-1);
  response.json({ entries, next_cursor: more && last !== undefined ? String(last.id) : null });
};

/** A cursor is the number of the last entry of a page. */
function decodeCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor);
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      {
        path: '/query/cursor',
        message: `is not a cursor of this API: use next_cursor of the page before${got(cursor)}`,
      },
    ],
  });
}
