import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { checker } from '../../core/check.ts';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { CANCELLABLE, REARMABLE, type State } from '../../core/states.ts';
import type { Act } from '../../store/audit.ts';
import { auditBulk, findMatching } from '../../store/bulk.ts';
import { cancelTasks } from '../../store/cancel.ts';
import type { TaskFilter } from '../../store/filter.ts';
import { countTasks } from '../../store/list.ts';
import { retryTasks } from '../../store/retry.ts';
import { submitTasks } from '../../store/submit.ts';
import type { Task } from '../../store/tasks.ts';
import { inTransaction } from '../../store/transaction.ts';
import { BULK_LIMIT, bulk as bulkDefinition } from '../../tasks/errand.bulk.task.ts';
import { actOf } from '../act.ts';
import type { Call, Operation } from '../call.ts';
import { filterSchema, toFilter } from '../filter.ts';
import { bulkSchema, groupRetrySchema } from '../openapi/bulk.ts';
import { ownSubmission } from '../own_submission.ts';
import { requestId } from '../request.ts';

/** As many are changed while the caller waits; more are left to a task of their own. */
const AT_ONCE = 1_000;

type Action = 'retry' | 'cancel';

/** What each action applies to: without `state` in the filter to `usual`, else to those of `possible`. */
const STATES_OF: Record<Action, { usual: readonly State[]; possible: readonly State[] }> = {
  retry: { usual: ['failed'], possible: REARMABLE },
  cancel: { usual: CANCELLABLE, possible: CANCELLABLE },
};

const optionsSchema = z.object({
  dry_run: z.boolean().default(false),
  limit: z.int().optional(),
  per_second: z.int().optional(),
  reason: z.string().optional(),
});
const bodySchema = optionsSchema.extend({ filter: filterSchema });

/** `POST /v1/tasks/retry` and `/cancel` (specification R5): for all tasks that match a filter. */
export const retryMany: Operation = bulkOperation('retry');
export const cancelMany: Operation = bulkOperation('cancel');

function bulkOperation(action: Action): Operation {
  const check = checker(bulkSchema);
  return async (call, request, response) => {
    requireValid(check(request.body, '/body'));
    const { filter: asked, ...options } = bodySchema.parse(request.body);
    const filter = { ...toFilter(call, asked, '/body/filter'), states: statesFor(action, asked.state) };
    await answerBulk(call, request, response, { action, filter, ...options });
  };
}

const checkGroupRetry = checker(groupRetrySchema);

/** `POST /v1/errors/{error_group}/retry`: for all tasks that are failed with the same trouble. */
export const retryErrorGroup: Operation = async (call, request, response) => {
  const body: unknown = request.body ?? {};
  requireValid(checkGroupRetry(body, '/body'));
  const errorGroup = String(request.params.error_group);
  const filter = { ...toFilter(call, {}, '/body'), errorGroup, states: STATES_OF.retry.usual };
  await answerBulk(call, request, response, { action: 'retry', filter, ...optionsSchema.parse(body) });
};

function requireValid(details: Detail[]): void {
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
}

function statesFor(action: Action, asked: readonly State[] | undefined): readonly State[] {
  const { usual, possible } = STATES_OF[action];
  const wrong = asked?.filter((state) => !possible.includes(state)) ?? [];
  if (wrong.length === 0) return asked ?? usual;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [
      {
        path: '/body/filter/state',
        message: `can only be ${possible.join(', ')} to ${action}, got ${wrong.join(', ')}`,
      },
    ],
  });
}

type Bulk = z.output<typeof optionsSchema> & { action: Action; filter: TaskFilter };
type BulkAnswer = {
  matched: number;
  matched_is_estimate: boolean;
  changed: number | null;
  task: Task | null;
  message: string;
};

async function answerBulk(call: Call, request: Request, response: Response, bulk: Bulk): Promise<void> {
  const { total, isEstimate } = await countTasks(call.reads, bulk.filter);
  const answer = (rest: Omit<BulkAnswer, 'matched' | 'matched_is_estimate'>, status = 200): void => {
    const counted = { matched: total, matched_is_estimate: isEstimate };
    response.status(status).json({ action: bulk.action, dry_run: bulk.dry_run, ...counted, ...rest });
  };
  const planned = Math.min(total, bulk.limit ?? BULK_LIMIT);
  if (bulk.dry_run) {
    return answer({
      changed: 0,
      task: null,
      message: `Would ${bulk.action} ${isEstimate ? 'about ' : ''}${planned}`,
    });
  }
  const act = actOf(call, request, bulk.reason);
  if (planned <= AT_ONCE && bulk.per_second === undefined) {
    const changed = await changeAtOnce(call, bulk, act);
    return answer({ changed, task: null, message: `${changed} tasks: ${bulk.action}` });
  }
  const task = await submitBulk(call, request, bulk, act, total);
  response.location(`/v1/tasks/${task.id}`);
  answer({ changed: null, task, message: 'A task of its own does it: follow, or cancel, that' }, 202);
}

/** All of it, with its audit rows, or nothing. */
function changeAtOnce(call: Call, bulk: Bulk, act: Act): Promise<number> {
  const change = bulk.action === 'retry' ? retryTasks : cancelTasks;
  return inTransaction(call.writes, async (client) => {
    const part = { ...act, bulk: randomUUID() };
    const size = Math.min(bulk.limit ?? AT_ONCE, AT_ONCE);
    const ids = await findMatching(client, bulk.filter, { after: null, size });
    const changed = await change(client, ids, part, call.visibility);
    await auditBulk(client, `bulk_${bulk.action}`, part, { filter: bulk.filter, changed: changed.length });
    return changed.length;
  });
}

/** The task and what the audit trail says of it are there together, or neither. */
function submitBulk(call: Call, request: Request, bulk: Bulk, act: Act, matched: number): Promise<Task> {
  const { action, filter, per_second } = bulk;
  const limit = bulk.limit ?? BULK_LIMIT;
  const payload = {
    action,
    filter,
    limit,
    matched,
    actor: act.actor,
    ...(per_second === undefined ? {} : { per_second }),
    ...(act.reason === null ? {} : { reason: act.reason }),
    request_id: requestId(request),
  };
  return inTransaction(call.writes, async (client) => {
    const [submitted] = await submitTasks(client, [ownSubmission(bulkDefinition, payload, act, request)]);
    if (!submitted?.task) throw new Error('the bulk operation was not submitted');
    const asked = { filter, matched, limit, per_second };
    await auditBulk(client, `bulk_${action}`, { ...act, bulk: submitted.task.id }, asked);
    return submitted.task;
  });
}
