import type { Agent } from 'undici';
import type { Config } from '../../config/schema.ts';
import { PermanentError } from '../../core/errors.ts';
import type { Handler } from '../../core/task.ts';
import type { httpRequest } from '../http.request.task.ts';
import { type Content, encodeContent, plainHeaders, readContent } from './answer.ts';
import { dispatch, startDeadline } from './dispatch.ts';
import { networkFailure, timedOut, unexpectedStatus } from './failure.ts';
import { type Outgoing, outgoingRequest, type RequestPayload } from './outgoing.ts';
import { bytesWithoutSecrets, type HttpSecrets, withoutSecrets } from './secret_headers.ts';
import { guardedAgent, type TargetOptions } from './target.ts';

type Answer = { status: number; headers: Record<string, string>; content: Content };

/** Makes the handler of `http.request` for a configuration. */
export function senderFor(
  config: Pick<Config, 'ALLOW_PRIVATE_TARGETS' | 'HTTP_SECRETS'>,
): Handler<typeof httpRequest> {
  return createSender({
    allowPrivate: config.ALLOW_PRIVATE_TARGETS,
    secrets: config.HTTP_SECRETS ?? new Map(),
  });
}

/** Makes the handler of `http.request`. Its calls share their own connection pool. */
export function createSender(
  options: TargetOptions & { secrets?: HttpSecrets },
): Handler<typeof httpRequest> {
  const agentOf = guardedAgent(options);
  const secrets = options.secrets ?? new Map();
  return async (payload, context) => {
    const started = performance.now();
    const outgoing = outgoingRequest(payload, context, secrets);
    const { status, headers, content } = await exchange(await agentOf(), payload, outgoing, context.signal);
    if (!isExpected(payload, status)) {
      throw unexpectedStatus(payload, outgoing, { status, headers, bytes: content.bytes });
    }
    return {
      status,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, withoutSecrets(value, outgoing)]),
      ),
      ...encodeContent({ ...content, bytes: bytesWithoutSecrets(content.bytes, outgoing) }),
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
    // An unexpected status is enough without the rest of its body. An abort comes first in any
    // case.
    const usable = content.failure === undefined || !isExpected(payload, response.statusCode);
    if (signal.aborted || !usable) throw content.failure;
    return { status: response.statusCode, headers: plainHeaders(response.headers), content };
  } catch (error) {
    // If the attempt was aborted, the reason of the abort counts, not the error that it caused.
    signal.throwIfAborted();
    if (error instanceof PermanentError) throw error;
    throw deadline.signal.aborted ? timedOut(payload, outgoing) : networkFailure(outgoing, error);
  } finally {
    deadline.stop();
  }
}
