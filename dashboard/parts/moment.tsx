import { useEffect, useState } from 'preact/hooks';
import { exactTime, relativeTime } from '../text/time.ts';

/** A time, relative to now. The exact time is its title, and is read out. */
export function Moment({ time }: { time: string | null }) {
  if (time === null) return <span class="muted">–</span>;
  return (
    <time dateTime={time} title={exactTime(time)} class="moment">
      {relativeTime(time, Date.now())}
    </time>
  );
}

/** A time to the millisecond, with its relative form beside it. */
export function ExactMoment({ time }: { time: string | null }) {
  if (time === null) return <span class="muted">–</span>;
  return (
    <span>
      <span class="mono">{exactTime(time)}</span>{' '}
      <span class="muted">
        (
        <time dateTime={time} class="moment">
          {relativeTime(time, Date.now())}
        </time>
        )
      </span>
    </span>
  );
}

const RENEW_MS = 1_000;

/**
 * Renews the text of all times on the page, once a second while it is visible. A list has a hundred of them, so they are
 * no components with a clock each: only texts that have changed are written, and nothing is rendered.
 */
export function keepMoments(): void {
  const moments = document.getElementsByClassName('moment');
  setInterval(() => {
    if (document.hidden) return;
    const now = Date.now();
    for (const moment of moments) {
      const text = moment.firstChild;
      if (!(moment instanceof HTMLTimeElement) || !(text instanceof Text)) continue;
      const current = relativeTime(moment.dateTime, now);
      if (text.data !== current) text.data = current;
    }
  }, RENEW_MS);
}

/** The time in ms since 1970, renewed every `everyMs` milliseconds while the page is visible. Null: not at all. */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (everyMs === null) return;
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
