import { useEffect, useRef, useState } from 'preact/hooks';
import { useSession } from '../session/context.ts';
import type { Topic } from './live.ts';
import { readGate } from './read_gate.ts';

/** Also without changes, because times and counts go on, and where WebSockets are blocked. */
const READ_ANYWAY_MS = 15_000;

/**
 * Calls `read` when something of the topics has changed, at most every two seconds, and not while it is held
 * or the page is hidden. Gives how many changes have come since it is held.
 */
export function useLive(topics: readonly Topic[], isHeld: boolean, read: () => void): number {
  const { live } = useSession();
  const [missed, setMissed] = useState(0);
  const latest = useRef({ isHeld, read });
  const hold = useRef<(isHeld: boolean) => void>();
  latest.current = { isHeld, read };
  const key = JSON.stringify(topics);
  useEffect(() => {
    const gate = readGate(() => following.again(() => latest.current.read()));
    let changes = 0;
    let counting: ReturnType<typeof setInterval> | undefined;
    const following = live.follow(JSON.parse(key) as Topic[], () => {
      changes++;
      if (!latest.current.isHeld) gate.ask();
      return latest.current.isHeld;
    });
    const ask = (): void => {
      if (!latest.current.isHeld) gate.ask();
    };
    const anyway = setInterval(ask, READ_ANYWAY_MS);
    document.addEventListener('visibilitychange', ask);
    hold.current = (isNowHeld) => {
      clearInterval(counting);
      changes = 0;
      setMissed(0);
      if (!isNowHeld) return gate.ask();
      following.again(() => undefined);
      counting = setInterval(() => setMissed(changes), 1_000);
    };
    if (latest.current.isHeld) hold.current(true);
    return () => {
      following.end();
      gate.end();
      clearInterval(anyway);
      clearInterval(counting);
      document.removeEventListener('visibilitychange', ask);
    };
  }, [live, key]);
  const before = useRef(isHeld);
  useEffect(() => {
    if (before.current !== isHeld) hold.current?.(isHeld);
    before.current = isHeld;
  }, [isHeld]);
  return missed;
}
