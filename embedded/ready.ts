import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from './announced.ts';
import type { Child } from './child.ts';

const POLL_MS = 50;
const ANSWER_WITHIN_MS = 2_000;

/**
 * Waits until a child's HTTP server listens and its /ready answers 200. Gives what it has announced. Throws if the child
 * ends first, or takes longer than `withinMs`.
 */
export async function untilReady(child: Child, host: string, withinMs: number): Promise<Announcement> {
  const givenUp = new AbortController();
  const late = sleep(withinMs, 'late' as const, { signal: givenUp.signal });
  const ended = child.exited.then((how) => ({ how }));
  try {
    const outcome = await Promise.race([pollReady(child, host, givenUp.signal), ended, late]);
    if (outcome !== 'late' && 'listening' in outcome) return outcome;
    throw new Error(
      outcome === 'late'
        ? `${child.name} was not ready within ${withinMs / 1_000} s.`
        : `${child.name} ended before it was ready (${outcome.how}).`,
    );
  } finally {
    givenUp.abort();
    await late.catch(() => undefined);
  }
}

async function pollReady(child: Child, host: string, givenUp: AbortSignal): Promise<Announcement> {
  const announcement = await child.announced;
  while (!givenUp.aborted) {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const answer = await fetch(`http://${host}:${announcement.listening}/ready`, { signal }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.status === 200) break;
    await sleep(POLL_MS);
  }
  return announcement;
}
