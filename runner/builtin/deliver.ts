import type { Pool } from 'pg';
import { type SigningSecret, secretsFor } from '../../config/webhook_secrets.ts';
import { PermanentError } from '../../core/errors.ts';
import type { Handler } from '../../core/task.ts';
import { disableCallback, readEndpoint } from '../../store/operators/callbacks.ts';
import { transient } from '../../tasks/http/failure.ts';
import type { TargetOptions } from '../../tasks/http/target.ts';
import { createPost, isAccepted, isGone, refusal, signedRequest } from '../../tasks/webhook/send.ts';
import type { deliver } from '../../tasks/webhook.deliver.task.ts';
import { steadily } from '../record/retry_until_available.ts';

/** The hosts that callbacks may go to, and the secrets that sign them. */
export type DeliverOptions = TargetOptions & {
  secrets: readonly SigningSecret[];
  /** For tests: after how many failures an endpoint rests. */
  failuresToRest?: number;
};

/**
 * Delivers callbacks. Until the answer is recorded, the next attempt sends the same message with
 * the same id. If an attempt has disabled the endpoint, the next one finds that. The signed time is
 * Postgres's, like every other time.
 */
export function deliverHandler(pool: Pool, options: DeliverOptions): Handler<typeof deliver> {
  const post = createPost(options);
  const sendTo = restEndpoints(options.failuresToRest);
  return async ({ url, message_id: id, namespace, body }, context) => {
    const secrets = secretsFor(options.secrets, namespace);
    if (secrets.length === 0)
      throw new Error(`WEBHOOK_SECRETS has no secret for the namespace ${namespace}: add one`);
    const { disabled, now } = await steadily(context, 'reading whether an endpoint is disabled', () =>
      readEndpoint(pool, { namespace, url }),
    );
    if (disabled) {
      const message = `The endpoint is disabled for ${namespace} because it answered 410. POST /v1/callbacks/enable enables it`;
      throw new PermanentError(message, { code: 'ENDPOINT_DISABLED' });
    }
    const message = { url, id, body: JSON.stringify(body), at: new Date(now) };
    const request = signedRequest(message, secrets);
    const send = () => post(request, context.signal);
    const answer = await sendTo(request.url.host, send, ({ status }) => status < 500);
    if (isAccepted(answer)) return { status: answer.status };
    if (isGone(answer)) {
      const endpoint = { namespace, url, taskId: body.data.id };
      await steadily(context, 'disabling an endpoint', () => disableCallback(pool, endpoint));
    }
    throw refusal(request, answer);
  };
}

/** After so many failures in a row, of any kind, an endpoint rests. */
const FAILURES_TO_REST = 5;
const FIRST_REST_MS = 5_000;
const MAX_REST_MS = 300_000;

/** An endpoint whose last request failed. */
type Trouble = { failures: number; restMs: number; restsUntil: number; isTried: boolean };

/** Sends to a host. While the host rests, it throws at once, with the time to try again. */
type SendTo = <Answer>(
  host: string,
  send: () => Promise<Answer>,
  isWell: (answer: Answer) => boolean,
) => Promise<Answer>;

/**
 * Lets an endpoint rest that fails again and again, so that the timeouts of its deliveries do not
 * take the slots of the runner. After FIRST_REST_MS one request is let through, then after twice as
 * long, and so on. Deliveries that are due meanwhile fail at once and are due again when the rest
 * is over, or later by their own backoff. Each process knows only its own failures, and forgets
 * them after one good answer.
 */
export function restEndpoints(failuresToRest = FAILURES_TO_REST): SendTo {
  const troubled = new Map<string, Trouble>();

  function failed(host: string, isTry: boolean): void {
    const trouble = troubled.get(host) ?? { failures: 0, restMs: 0, restsUntil: 0, isTried: false };
    troubled.set(host, trouble);
    trouble.failures++;
    // Of requests that ran at the same time, only the first failure counts.
    if (!isTry && trouble.failures !== failuresToRest) return;
    trouble.restMs = Math.min(MAX_REST_MS, trouble.restMs === 0 ? FIRST_REST_MS : trouble.restMs * 2);
    trouble.restsUntil = performance.now() + trouble.restMs;
  }

  return async (host, send, isWell) => {
    const trouble = troubled.get(host);
    const isTry = trouble !== undefined && trouble.failures >= failuresToRest;
    if (isTry) {
      const leftMs = trouble.restsUntil - performance.now();
      if (leftMs > 0 || trouble.isTried) throw atRest(host, trouble.failures, Math.max(leftMs, 1_000));
      trouble.isTried = true;
    }
    try {
      const answer = await send();
      if (isWell(answer)) troubled.delete(host);
      else failed(host, isTry);
      return answer;
    } catch (error) {
      failed(host, isTry);
      throw error;
    } finally {
      if (isTry) trouble.isTried = false;
    }
  };
}

function atRest(host: string, failures: number, leftMs: number): Error {
  const message =
    `Not sent: ${host} failed ${failures} times in a row. Trying again in ` +
    `${Math.ceil(leftMs / 1_000)} s`;
  return transient(message, 'ENDPOINT_AT_REST', { host }, { retryAfterMs: Math.ceil(leftMs) });
}
