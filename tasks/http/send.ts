import { type Agent, request } from 'undici';
import { PermanentError } from '../../core/errors.ts';
import type { Handler } from '../../core/task.ts';
import type { httpRequest } from '../http.request.task.ts';
import { type Content, encodeContent, plainHeaders, readContent } from './answer.ts';
import { networkFailure, timedOut, unexpectedStatus } from './failure.ts';
import { type Outgoing, outgoingRequest, type RequestPayload } from './outgoing.ts';
import { guardedAgent, type TargetOptions } from './target.ts';

type Answer = { status: number; headers: Record<string, string>; content: Content };

/** The handler of `http.request`, with connections of its own that its calls share. */
export function createSender(options: TargetOptions): Handler<typeof httpRequest> {
  const agent = guardedAgent(options);
  return async (payload, context) => {
    const started = performance.now();
    const outgoing = outgoingRequest(payload, context);
    const { status, headers, content } = await exchange(agent, payload, outgoing, context.signal);
    if (!isExpected(payload, status)) {
      throw unexpectedStatus(payload, outgoing, { status, headers, bytes: content.bytes });
    }
    return {
      status,
      headers,
      ...encodeContent(content),
      truncated: content.truncated,
      duration_ms: Math.round(performance.now() - started),
    };
  };
}

function isExpected({ expected_status }: RequestPayload, status: number): boolean {
  return expected_status?.includes(status) ?? (status >= 200 && status < 300);
}

async function exchange(
  agent: Agent,
  payload: RequestPayload,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const deadline = startDeadline(signal, payload.timeout_ms);
  try {
    const response = await send(agent, outgoing, deadline.signal);
    const content = await readContent(response.body);
    // An unexpected status says enough without the rest of its body; an abort goes before either.
    const usable = content.failure === undefined || !isExpected(payload, response.statusCode);
    if (signal.aborted || !usable) throw content.failure;
    return { status: response.statusCode, headers: plainHeaders(response.headers), content };
  } catch (error) {
    // Whoever ended the attempt gave a reason, whatever broke because of it.
    signal.throwIfAborted();
    if (error instanceof PermanentError) throw error;
    throw deadline.signal.aborted ? timedOut(payload, outgoing) : networkFailure(outgoing, error);
  } finally {
    deadline.stop();
  }
}

function send(agent: Agent, { url, method, headers, body }: Outgoing, signal: AbortSignal) {
  const response = request(url, {
    dispatcher: agent,
    method,
    headers,
    body,
    signal,
    // The deadline covers both, also against a target that sends a byte now and then.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  // undici obeys the signal only once it is connected: resolving a name could outlast the deadline.
  return Promise.race([response, aborted(signal)]);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A signal that is aborted with the given one, or after `ms`. To be stopped in the end. */
function startDeadline(signal: AbortSignal, ms: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => controller.abort(new Error('timeout_ms has passed')), ms);
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}
