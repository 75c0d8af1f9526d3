import { setTimeout } from 'node:timers/promises';

/** The pause between two probes grows with the time that has passed, so that a long wait costs little CPU. */
const POLL = { minMs: 10, maxMs: 200, share: 0.1 };

/**
 * Waits for a condition instead of sleeping. Resolves with the first value of `probe` that is not
 * undefined, null or false. Throws with `what` if that takes longer than `timeoutMs`.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  timeoutMs = 120_000,
): Promise<T> {
  const began = performance.now();
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    const waitedMs = performance.now() - began;
    if (waitedMs > timeoutMs) throw new Error(`Waited ${timeoutMs} ms, but this did not happen: ${what}`);
    await setTimeout(Math.min(POLL.maxMs, Math.max(POLL.minMs, waitedMs * POLL.share)));
  }
}
