import type { RequestListener, ServerResponse } from 'node:http';
import type { Pool } from 'pg';
import type { SigningSecret } from '../../../config/webhook_secrets.ts';
import type { Handler } from '../../../core/task.ts';
import { type DeliverOptions, deliverHandler } from '../../../runner/builtin/deliver.ts';
import type { RegisteredHandler } from '../../../runner/execute/execute.ts';
import type { Runner } from '../../../runner/runner.ts';
import { deliver } from '../../../tasks/webhook.deliver.task.ts';
import { registeredHandler, startTestRunner, type TestRunnerOptions } from '../../support/runner.ts';
import { until } from '../../support/until.ts';
import { startTarget } from '../tasks/http-harness.ts';

/** A secret as it is configured, of 32 bytes that are this character. */
export function secretOf(character: string): string {
  return `whsec_${Buffer.alloc(32, character).toString('base64')}`;
}

export const SECRETS: SigningSecret[] = [{ namespace: null, secret: secretOf('a') }];

/** What came to a receiver, with the headers that Standard Webhooks has. */
export type Received = {
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages, and assert what they find
  message: any;
  headers: { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string };
};

/** An endpoint on loopback that answers 200, or what `listener` does, and keeps what came; it ends with the test. */
export async function startReceiver(listener: RequestListener = (_request, response) => void response.end()) {
  const target = await startTarget(listener);
  const received = (): Received[] =>
    target.requests.map(({ body, headers }) => ({
      body,
      message: JSON.parse(body),
      headers: {
        'webhook-id': String(headers['webhook-id']),
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      },
    }));
  return { ...target, received };
}

/** Answers with these statuses, one after the other; the last one for ever. */
export function answering(...statuses: number[]): RequestListener {
  let count = 0;
  return (_request, response: ServerResponse) => {
    const status = statuses[Math.min(count, statuses.length - 1)] ?? 200;
    count++;
    response.writeHead(status).end();
  };
}

type QuickOptions = Partial<DeliverOptions> & { backoffMs?: number };

/** Deliveries to loopback, tried again after `backoffMs`, or at once, when they fail. */
function quickDeliveries(
  pool: Pool,
  { backoffMs = 1, ...options }: QuickOptions,
): [string, RegisteredHandler] {
  const quick = { initialMs: backoffMs, factor: 1, maxMs: backoffMs, jitter: 0 };
  const definition = { ...deliver, policy: { ...deliver.policy, backoff: quick } };
  const handler = deliverHandler(pool, {
    ...{ allowPrivate: true, secrets: SECRETS, failuresToRest: Number.POSITIVE_INFINITY },
    ...options,
  });
  return registeredHandler(definition, handler as Handler);
}

/** A runner that delivers, and executes nothing else unless it is given. */
export function startDelivering(
  pool: Pool,
  callbacks: QuickOptions = {},
  options: TestRunnerOptions = {},
): Promise<Runner> {
  const own = [...(options.registeredHandlers ?? []), quickDeliveries(pool, callbacks)];
  return startTestRunner(pool, { ...options, registeredHandlers: new Map(own) });
}

/** A delivery as its row has it. */
export type DeliveryRow = { id: string; type: string; state: string; message_id: string; attempt: number };

/** The deliveries of a task, oldest first. */
export async function deliveriesOf(pool: Pool, taskId: string): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<DeliveryRow>(
    `select id, payload #>> '{body,type}' as type, state, payload ->> 'message_id' as message_id, attempt
       from errand.tasks where callback_of = $1 and name = 'webhook.deliver' order by id`,
    [taskId],
  );
  return rows;
}

/** Waits until a task has so many deliveries and all of them have ended, and gives them. */
export function deliveriesDone(pool: Pool, taskId: string, count: number): Promise<DeliveryRow[]> {
  return until(`${count} deliveries of ${taskId} have ended`, async () => {
    const rows = await deliveriesOf(pool, taskId);
    const ended = rows.filter(({ state }) => state === 'succeeded' || state === 'failed');
    return rows.length === count && ended.length === count && rows;
  });
}
