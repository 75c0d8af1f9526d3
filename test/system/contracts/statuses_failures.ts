import { randomUUID } from 'node:crypto';
import type { ApiRequest, Located } from '../../fast/contracts/requests.ts';
import { requestFor } from '../../fast/contracts/statuses_requests.ts';
import { submitOne } from '../../support/tasks.ts';
import type { Stage } from './statuses_apis.ts';
import { each, exchange, sending, type Way, type Ways } from './statuses_sending.ts';

const NAME = 'example.echo';

/** Records a task that has failed, and gives its id and its group of errors. */
async function failedTask({ pool }: Stage): Promise<{ id: string; group: string }> {
  const { id } = await submitOne(pool, { name: NAME, payload: { message: 'wrong' } });
  const { rows } = await pool.query<{ error_group: string }>(
    `update errand.tasks
        set state = 'failed', finished_at = now(), dispatch_id = null,
            error = '{"error_type":"Error","message":"no","error_code":null,"retryable":true,"metadata":null,"stack":null}'
      where id = $1
      returning error_group`,
    [id],
  );
  return { id, group: rows[0]?.error_group ?? '' };
}

/** The request for a failed task of its own, or for its group. */
async function forFailure(stage: Stage, located: Located): Promise<ApiRequest> {
  const { id, group } = await failedTask(stage);
  const things = {
    ...stage.things,
    id: { known: id, unknown: id },
    error_group: { known: group, unknown: group },
  };
  return requestFor(located, things);
}

/** Sends it once or twice, the second time with other headers, and gives the last answer. */
const times =
  (count: 1 | 2, second: Record<string, string> = {}, first = second): Way =>
  async (stage, located) => {
    const request = await forFailure(stage, located);
    const send = (headers: Record<string, string>) =>
      exchange(stage.apis.plain, { ...request, headers: { ...request.headers, ...headers } });
    const answer = await send(first);
    return [count === 1 ? answer : await send(second)];
  };

const decision: Ways = { 200: times(1) };
const key = { 'idempotency-key': randomUUID() };

/** Ways of what operators do about failures, by their operationId. */
export const OF_FAILURES: Record<string, Ways> = {
  listErrors: { 200: each(times(1), sending('plain', { query: [['since', '2026-01-01T00:00:00Z']] })) },
  dismissTask: { 200: each(times(1), times(2)) },
  resubmitTask: { 200: times(2, key), 201: times(1), 409: times(2) },
  resolveErrors: decision,
  ignoreErrors: decision,
  reopenErrors: decision,
  getOverview: { 200: times(1) },
};
