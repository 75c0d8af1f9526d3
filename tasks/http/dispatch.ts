import type { Agent } from 'undici';
import type { Outgoing } from './outgoing.ts';

/**
 * Sends a request and gives the answer when its headers have arrived. Follows no redirect. Rejects
 * as soon as `signal` is aborted.
 */
export function dispatch(agent: Agent, { url, method, headers, body }: Outgoing, signal: AbortSignal) {
  const response = agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers,
    body,
    signal,
    // The deadline replaces both timeouts. It also stops a target that sends a byte now and then.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  // undici obeys the signal only after it has connected: resolving a name could last longer than
  // the deadline.
  return Promise.race([response, aborted(signal)]);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A signal that is aborted with the given one, or after `ms`. Call `stop` in the end. */
export function startDeadline(signal: AbortSignal, ms: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => controller.abort(new Error('the deadline of the request is over')), ms);
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}
