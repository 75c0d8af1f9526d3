import { Webhook } from 'standardwebhooks';
import { PermanentError } from '../../core/errors.ts';
import { plainHeaders, readContent } from '../http/answer.ts';
import { dispatch, startDeadline } from '../http/dispatch.ts';
import { excerpt, nameOf, networkFailure, retryAfter, transient } from '../http/failure.ts';
import type { Outgoing } from '../http/outgoing.ts';
import { guardedAgent, type TargetOptions } from '../http/target.ts';

/** The limit of a complete delivery, from resolving the name to reading the answer. */
const TIMEOUT_MS = 15_000;
/**
 * How much of an answer is read. The body does not matter, but a connection that is read to its end
 * can be used again.
 */
const BODY_LIMIT = 64 * 1024;
const GONE = 410;

/** A message to an endpoint. `body` is JSON, `at` is the time of this attempt. */
export type Message = { url: string; id: string; body: string; at: Date };

/** The answer of an endpoint. */
export type Answer = { status: number; headers: Record<string, string>; bytes: Buffer };

/**
 * The request with a message. It is signed per Standard Webhooks with each secret, so that the
 * receiver may know any of them.
 */
export function signedRequest({ url, id, body, at }: Message, secrets: readonly string[]): Outgoing {
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, at, body));
  return {
    url: new URL(url),
    method: 'POST',
    headers: {
      'user-agent': 'errand',
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
    referred: [],
  };
}

/**
 * Makes a function that sends requests over its own connection pool and gives the answer. It
 * rejects with the signal's reason if that is aborted, with a PermanentError for a private target,
 * and otherwise with an error that is retried. It follows no redirect.
 */
export function createPost(
  options: TargetOptions,
): (outgoing: Outgoing, signal: AbortSignal) => Promise<Answer> {
  const agentOf = guardedAgent(options);
  return async (outgoing, signal) => {
    const agent = await agentOf();
    signal.throwIfAborted();
    const deadline = startDeadline(signal, TIMEOUT_MS);
    try {
      const response = await dispatch(agent, outgoing, deadline.signal);
      // The status decides, so a body that breaks or does not end is cut.
      const { bytes } = await readContent(response.body, BODY_LIMIT);
      signal.throwIfAborted();
      return { status: response.statusCode, headers: plainHeaders(response.headers), bytes };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PermanentError) throw error;
      throw deadline.signal.aborted ? timedOut(outgoing) : networkFailure(outgoing, error);
    } finally {
      deadline.stop();
    }
  };
}

/** Whether the endpoint accepted the message. */
export function isAccepted({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** Whether the endpoint wants no more messages (Standard Webhooks: 410). */
export function isGone({ status }: Answer): boolean {
  return status === GONE;
}

/** The error for an answer that does not accept a message: retried, unless the endpoint is gone. */
export function refusal(outgoing: Outgoing, answer: Answer): Error {
  const { status, headers, bytes } = answer;
  const metadata = { status, body: excerpt(bytes, { headers: {}, referred: [] }) };
  if (isGone(answer)) {
    const message = `${nameOf(outgoing)} answered ${status}: it wants no more callbacks and is disabled`;
    return new PermanentError(message, { code: 'ENDPOINT_GONE', metadata });
  }
  const hint = status >= 300 && status < 400 ? '; redirects are not followed' : '';
  const message = `${nameOf(outgoing)} answered ${status}, expected 200 to 299${hint}`;
  const retryAfterMs = retryAfter(headers);
  return transient(message, 'UNEXPECTED_STATUS', metadata, retryAfterMs === null ? {} : { retryAfterMs });
}

function timedOut(outgoing: Outgoing): Error {
  const message = `${nameOf(outgoing)} did not answer within ${TIMEOUT_MS / 1_000} s`;
  return transient(message, 'TIMEOUT', { host: outgoing.url.host });
}
