import { type Agent, request } from 'undici';
import type { Outgoing } from './outgoing.ts';

/** Sends a request and gives the answer when its headers are there. Follows no redirect. Rejects as soon as it is aborted. */
export function dispatch(agent: Agent, { url, method, headers, body }: Outgoing, signal: AbortSignal) {
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
export function startDeadline(signal: AbortSignal, ms: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => controller.abort(new Error('the time of the request is up')), ms);
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}
