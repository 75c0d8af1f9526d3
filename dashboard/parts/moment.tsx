import { useEffect, useState } from 'preact/hooks';
import { changesInMs, exactTime, relativeTime } from '../text/time.ts';

/** A time, relative to now. The exact time is its title, and is read out. */
export function Moment({ time }: { time: string | null }) {
  const now = useNow(time === null ? 60_000 : changesInMs(time, Date.now()));
  if (time === null) return <span class="muted">–</span>;
  return (
    <time dateTime={time} title={exactTime(time)} class="moment">
      {relativeTime(time, now)}
    </time>
  );
}

/** A time to the millisecond, with its relative form beside it. */
export function ExactMoment({ time }: { time: string | null }) {
  const now = useNow(time === null ? 60_000 : changesInMs(time, Date.now()));
  if (time === null) return <span class="muted">–</span>;
  return (
    <time dateTime={time}>
      <span class="mono">{exactTime(time)}</span> <span class="muted">({relativeTime(time, now)})</span>
    </time>
  );
}

type Clock = { everyMs: number; tell: () => void; next: number };
const clocks = new Set<Clock>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One timer for all times on the page: a list has a hundred of them. */
function tick(): void {
  if (document.hidden) return;
  const now = Date.now();
  for (const clock of clocks) {
    if (clock.next > now) continue;
    clock.next = now + clock.everyMs;
    clock.tell();
  }
}

/** The time in ms since 1970, renewed every `everyMs` milliseconds while the page is visible. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const clock = { everyMs, tell: () => setNow(Date.now()), next: Date.now() + everyMs };
    clocks.add(clock);
    timer ??= setInterval(tick, 1_000);
    return () => {
      clocks.delete(clock);
      if (clocks.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, [everyMs]);
  return now;
}
