import { setTimeout } from 'node:timers/promises';

/**
 * Waits for a condition instead of sleeping: resolves with the first value that `probe` gives and that is
 * neither undefined, null nor false. Throws with `what` when that takes longer than `timeoutMs`.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  timeoutMs = 120_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await setTimeout(10);
  }
}
