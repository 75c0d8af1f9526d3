import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { CANCELLABLE, REARMABLE, type State } from '../../core/states.ts';
import { inTransaction } from '../../store/database/transaction.ts';
import type { Act } from '../../store/operators/audit.ts';
import { auditBulk, findMatching } from '../../store/operators/bulk.ts';
import { cancelTasks } from '../../store/operators/cancel.ts';
import { retryTasks } from '../../store/operators/retry.ts';
import { submitTasks } from '../../store/submit/submit.ts';
import type { TaskFilter } from '../../store/tasks/filter.ts';
import { countTasks } from '../../store/tasks/list.ts';
import type { Task } from '../../store/tasks/tasks.ts';
import { BULK_LIMIT, bulk as bulkDefinition, CANARY, CANARY_ABOVE } from '../../tasks/errand.bulk.task.ts';
import type { Operation, RequestContext } from '../context.ts';
import { requestId } from '../request.ts';
import { ownSubmission } from '../submit/submission.ts';
import { filterSchema, toFilter } from '../tasks/filter.ts';
import { actOf } from './act.ts';
import { bulkSchema, groupRetrySchema } from './bulk_schema.ts';

/** Up to this many tasks are changed while the caller waits. A larger operation becomes a task. */
const AT_ONCE = 1_000;

type Action = 'retry' | 'cancel';

/** The states that each action applies to: `usual` if the filter has no `state`, and at most `possible`. */
const STATES_OF: Record<Action, { usual: readonly State[]; possible: readonly State[] }> = {
  retry: { usual: ['failed'], possible: REARMABLE },
  cancel: { usual: CANCELLABLE, possible: CANCELLABLE },
};

const optionsSchema = z.object({
  dry_run: z.boolean().default(false),
  limit: z.int().optional(),
  per_second: z.int().optional(),
  canary: z.int().optional(),
  reason: z.string().optional(),
});
const bodySchema = optionsSchema.extend({
  filter: filterSchema.default({}),
  all: z.boolean().default(false),
});

/** `POST /v1/tasks/retry` and `/cancel` (specification R5): change all tasks that match a filter. */
export const retryMany: Operation = bulkOperation('retry');
export const cancelMany: Operation = bulkOperation('cancel');

function bulkOperation(action: Action): Operation {
  const check = checker(bulkSchema);
  return async (context, request, response) => {
    requireValid(check(request.body, '/body'));
    const { filter: asked, all, ...options } = bodySchema.parse(request.body);
    requireValid(filterProblems(asked, all, action));
    const filter = {
      ...toFilter(context, asked, '/body/filter'),
      states: statesFor(action, asked.state),
      // A dismissed failure needs nobody: it is retried only if the filter asks for it.
      ...(action === 'retry' ? { dismissed: asked.dismissed ?? false } : {}),
    };
    await answerBulk(context, request, response, { action, filter, ...options });
  };
}

const checkGroupRetry = checker(groupRetrySchema);

/** `POST /v1/errors/{error_group}/retry`: retry all tasks that failed with the same error. */
export const retryErrorGroup: Operation = async (context, request, response) => {
  const body: unknown = request.body ?? {};
  requireValid(checkGroupRetry(body, '/body'));
  const errorGroup = String(request.params.error_group);
  const filter = { ...toFilter(context, {}, '/body'), errorGroup, states: STATES_OF.retry.usual };
  await answerBulk(context, request, response, { action: 'retry', filter, ...optionsSchema.parse(body) });
};

function requireValid(details: Detail[]): void {
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
}

/** An empty filter must not mean every task by mistake: `all` is required for that. */
function filterProblems(asked: object, all: boolean, action: Action): Detail[] {
  const isEmpty = Object.keys(asked).length === 0;
  if (isEmpty === all) return [];
  const message = all
    ? 'must not be combined with a filter: it stands for every task'
    : `must not be empty: give a filter, or "all": true to ${action} every task`;
  return [{ path: all ? '/body/all' : '/body/filter', message }];
}

function statesFor(action: Action, asked: readonly State[] | undefined): readonly State[] {
  const { usual, possible } = STATES_OF[action];
  const wrong = asked?.filter((state) => !possible.includes(state)) ?? [];
  if (wrong.length === 0) return asked ?? usual;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      {
        path: '/body/filter/state',
        message: `must be one of ${possible.join(', ')} to ${action}, got ${wrong.join(', ')}`,
      },
    ],
  });
}

type Bulk = z.output<typeof optionsSchema> & { action: Action; filter: TaskFilter };
type BulkAnswer = {
  bulk_id: string | null;
  matched: number;
  matched_is_estimate: boolean;
  changed: number | null;
  task: Task | null;
  message: string;
};

async function answerBulk(
  context: RequestContext,
  request: Request,
  response: Response,
  bulk: Bulk,
): Promise<void> {
  const { total, isEstimate } = await countTasks(context.reads, bulk.filter);
  const answer = (rest: Omit<BulkAnswer, 'matched' | 'matched_is_estimate'>, status = 200): void => {
    const counted = { matched: total, matched_is_estimate: isEstimate };
    response.status(status).json({ action: bulk.action, dry_run: bulk.dry_run, ...counted, ...rest });
  };
  const planned = Math.min(total, bulk.limit ?? BULK_LIMIT);
  if (bulk.dry_run) {
    return answer({
      bulk_id: null,
      changed: 0,
      task: null,
      message: `Would ${bulk.action} ${isEstimate ? 'about ' : ''}${planned} tasks`,
    });
  }
  const act = actOf(context, request, bulk.reason);
  const canary = bulk.action === 'cancel' ? 0 : (bulk.canary ?? (planned > CANARY_ABOVE ? CANARY : 0));
  // An estimate may be far too small. Then nothing but a limit says that there are few.
  const isLimited = bulk.limit !== undefined && bulk.filter.payload === undefined;
  const isKnown = !isEstimate || isLimited;
  if (isKnown && planned <= AT_ONCE && bulk.per_second === undefined && canary === 0) {
    const bulkId = randomUUID();
    const changed = await changeAtOnce(context, bulk, { ...act, bulk: bulkId });
    return answer({ bulk_id: bulkId, changed, task: null, message: doneOf(bulk.action, changed) });
  }
  const task = await submitBulk(context, request, { ...bulk, canary }, act, total);
  response.location(context.publicUrl(request, `/v1/tasks/${task.id}`));
  answer({ bulk_id: task.id, changed: null, task, message: messageOf(canary) }, 202);
}

function doneOf(action: Action, changed: number): string {
  const tasks = changed === 1 ? '1 task was' : `${changed} tasks were`;
  return `${tasks} ${action === 'retry' ? 'queued again' : 'cancelled or asked to end'}`;
}

function messageOf(canary: number): string {
  const does = 'A built-in task does the work: follow it, or cancel it';
  return canary === 0
    ? does
    : `${does}. It retries ${canary} tasks first. It retries the others only if none of these fails with its old error`;
}

/** A filter in the names of the API, for the audit trail. */
function inWireWords(filter: TaskFilter): Record<string, unknown> {
  const { states, ...others } = filter;
  const renamed = Object.entries(others).map(([key, value]) => [
    key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return { ...Object.fromEntries(renamed), state: states };
}

/** Changes all tasks and writes their audit rows in one transaction. */
function changeAtOnce(context: RequestContext, bulk: Bulk, act: Act): Promise<number> {
  const change = bulk.action === 'retry' ? retryTasks : cancelTasks;
  return inTransaction(context.writes, async (client) => {
    const size = Math.min(bulk.limit ?? AT_ONCE, AT_ONCE);
    const { ids } = await findMatching(client, bulk.filter, { after: null, size });
    const changed = await change(client, ids, act, context.visibility);
    await auditBulk(client, `bulk_${bulk.action}`, act, {
      filter: inWireWords(bulk.filter),
      changed: changed.length,
    });
    return changed.length;
  });
}

/** Submits the task and writes its audit row in one transaction. */
function submitBulk(
  context: RequestContext,
  request: Request,
  bulk: Bulk,
  act: Act,
  matched: number,
): Promise<Task> {
  const { action, filter, per_second, canary } = bulk;
  const limit = bulk.limit ?? BULK_LIMIT;
  const payload = {
    action,
    filter,
    limit,
    matched,
    actor: act.actor,
    ...(per_second === undefined ? {} : { per_second }),
    ...(canary ? { canary } : {}),
    ...(act.reason === null ? {} : { reason: act.reason }),
    request_id: requestId(request),
  };
  return inTransaction(context.writes, async (client) => {
    const [submitted] = await submitTasks(client, [ownSubmission(bulkDefinition, payload, act, request)]);
    if (!submitted?.task) throw new Error('the bulk operation was not submitted');
    const asked = { filter: inWireWords(filter), matched, limit, per_second, ...(canary ? { canary } : {}) };
    await auditBulk(client, `bulk_${action}`, { ...act, bulk: submitted.task.id }, asked);
    return submitted.task;
  });
}
