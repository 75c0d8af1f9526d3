/** Whether the API answers. While it is away, `retryAt` is when it is asked again, in ms since 1970. */
export type Away = { message: string; retryAt: number } | null;

let current: Away = null;
const listeners = new Set<() => void>();

/** How long the dashboard waits if the API does not say, in ms. */
const DEFAULT_WAIT_MS = 3_000;
const MAX_WAIT_MS = 60_000;

/** Notes that the API did not answer. `retryAfterMs` is what it asked for, if it did. */
export function noteAway(message: string, retryAfterMs: number | undefined, now = Date.now()): void {
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(1_000, retryAfterMs ?? DEFAULT_WAIT_MS));
  if (current !== null && current.retryAt > now) return;
  current = { message, retryAt: now + waitMs };
  for (const tell of listeners) tell();
}

/** Notes that the API has answered. */
export function noteBack(): void {
  if (current === null) return;
  current = null;
  for (const tell of listeners) tell();
}

/** The state at this moment. */
export function awayNow(): Away {
  return current;
}

/** Calls `tell` after each change. Gives the function that ends it. */
export function onAway(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}
