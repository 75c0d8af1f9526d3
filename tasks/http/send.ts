import type { Agent } from 'undici';
import { PermanentError } from '../../core/errors.ts';
import type { Handler } from '../../core/task.ts';
import type { httpRequest } from '../http.request.task.ts';
import { type Content, encodeContent, plainHeaders, readContent } from './answer.ts';
import { dispatch, startDeadline } from './dispatch.ts';
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
    const response = await dispatch(agent, outgoing, deadline.signal);
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
