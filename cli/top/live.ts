import { setTimeout } from 'node:timers/promises';
import { EXIT } from '../exit_codes.ts';
import { failureOf, Interrupted } from '../failure.ts';
import { toClock } from '../output/words.ts';
import type { Session } from '../session.ts';
import { frameOf, type Heading } from './frame.ts';
import { takeScreen } from './screen.ts';
import { readSnapshot } from './snapshot.ts';

/**
 * Shows the pool until q or Ctrl-C. If the API goes away, the last picture stays with a line that says so, until
 * the API is back. Throws what the first reading throws, and later only a refusal of the credentials.
 */
export async function showLive(
  session: Session,
  { everyMs, windowMinutes }: { everyMs: number; windowMinutes: number },
): Promise<void> {
  const quit = new AbortController();
  const signal = AbortSignal.any([quit.signal, session.signal]);
  let snapshot = await readSnapshot(session.client, windowMinutes, signal);
  const heading: Heading = { url: session.url, keys: 'q quits' };
  const draw = (): void => screen.draw(frameOf(snapshot, heading, screen.size()));
  const screen = takeScreen({
    quit: () => quit.abort(),
    interrupt: () => quit.abort(new Interrupted()),
    resize: draw,
  });
  let awaySince: Date | undefined;
  try {
    for (;;) {
      draw();
      await setTimeout(everyMs, undefined, { signal });
      try {
        snapshot = await readSnapshot(session.client, windowMinutes, signal);
        awaySince = undefined;
        heading.problem = undefined;
      } catch (error) {
        const { code, lines } = failureOf(error, session.url);
        if (signal.aborted || code === EXIT.unauthorised) throw error;
        awaySince ??= new Date();
        heading.problem = `No figures since ${toClock(awaySince.toISOString()).slice(0, 8)}, trying again: ${lines[0] ?? ''}`;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    if (quit.signal.reason instanceof Interrupted) throw quit.signal.reason;
    if (!quit.signal.aborted) throw session.signal.reason;
  } finally {
    screen.restore();
  }
}
