import type { IncomingMessage, ServerResponse } from 'node:http';

/** The slowest allowed client, in addition to the fixed time: 64 KiB in 250 ms are 2 Mbit/s. */
const PART_BYTES = 65_536;
const PART_MS = 250;

/**
 * Counts the bytes of an answer until they are received, and gives the function that ends it. Throws if there
 * are too many.
 */
export type CountUntaken<R> = (response: R, bytes: number) => () => void;

/**
 * Makes middleware that disconnects a client which does not receive its answer. The written bytes stay in
 * memory until then, and the request stays in flight. The time starts when the answer is complete
 * (`prefinish`); for a stream, when it ends.
 */
export function requireTaken<R extends ServerResponse>(
  withinMs: number,
  count?: CountUntaken<R>,
): (request: IncomingMessage, response: R, next: () => void) => void {
  return (_request, response, next) => {
    response.on('prefinish', () => watch(response, withinMs, count));
    next();
  };
}

function watch<R extends ServerResponse>(response: R, withinMs: number, count?: CountUntaken<R>): void {
  const bytes = response.socket?.writableLength ?? 0;
  // The usual case: the kernel has taken everything.
  if (bytes === 0) return;
  const cut = (): void => void response.socket?.destroy();
  const timer = setTimeout(cut, withinMs + Math.floor(bytes / PART_BYTES) * PART_MS);
  timer.unref();
  response.once('close', () => clearTimeout(timer));
  if (bytes < PART_BYTES || count === undefined) return;
  try {
    response.once('close', count(response, bytes));
  } catch {
    cut();
  }
}
