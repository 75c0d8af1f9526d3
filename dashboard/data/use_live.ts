import { useEffect, useRef, useState } from 'preact/hooks';
import { useSession } from '../session/context.ts';
import type { Topic } from './live.ts';

/** At most one reading in this time, however many changes come: a hundred a second cost no more than one. */
const READ_EVERY_MS = 2_000;
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
  latest.current = { isHeld, read };
  const key = JSON.stringify(topics);
  useEffect(() => setMissed(0), [isHeld]);
  useEffect(() => {
    const gate = readGate(() => latest.current.read());
    let changes = 0;
    const unfollow = live.follow(JSON.parse(key) as Topic[], () => {
      changes++;
      if (!latest.current.isHeld) gate.ask();
    });
    const anyway = setInterval(() => {
      if (!latest.current.isHeld) gate.ask();
    }, READ_ANYWAY_MS);
    const counting = setInterval(() => {
      if (latest.current.isHeld && changes > 0) setMissed((before) => before + changes);
      changes = 0;
    }, 1_000);
    const onShown = (): void => {
      if (!document.hidden && !latest.current.isHeld) gate.ask();
    };
    document.addEventListener('visibilitychange', onShown);
    return () => {
      unfollow();
      gate.end();
      clearInterval(anyway);
      clearInterval(counting);
      document.removeEventListener('visibilitychange', onShown);
    };
  }, [live, key]);
  return missed;
}

/** Lets one reading pass at once, and then one for all that ask within the interval. */
function readGate(read: () => void): { ask(): void; end(): void } {
  let lastMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pass = (): void => {
    timer = undefined;
    if (document.hidden) return;
    lastMs = Date.now();
    read();
  };
  return {
    ask() {
      timer ??= setTimeout(pass, Math.max(0, lastMs + READ_EVERY_MS - Date.now()));
    },
    end: () => clearTimeout(timer),
  };
}
