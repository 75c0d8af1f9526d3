import { useQueryClient } from '@tanstack/preact-query';
import { useEffect, useState } from 'preact/hooks';
import { awayNow, onAway } from '../data/away.ts';
import { useNow } from '../parts/moment.tsx';

/** Says that the API does not answer, and asks again when it said so, or sooner if the user wants. */
export function AwayBanner() {
  const [away, setAway] = useState(awayNow);
  const queries = useQueryClient();
  const now = useNow(away === null ? null : 1_000);
  useEffect(() => onAway(() => setAway(awayNow())), []);
  useEffect(() => {
    if (away === null) return;
    const ask = (): void => void queries.invalidateQueries();
    const timer = setTimeout(ask, Math.max(0, away.retryAt - Date.now()));
    return () => clearTimeout(timer);
  }, [away, queries]);
  if (away === null) return null;
  const seconds = Math.max(0, Math.ceil((away.retryAt - now) / 1_000));
  return (
    <div class="banner" role="alert">
      <strong>The API is away.</strong>{' '}
      <span>
        What you see may be old. {seconds > 0 ? `It is asked again in ${seconds} s.` : 'It is asked now.'}
      </span>
      <button type="button" onClick={() => void queries.invalidateQueries()}>
        Ask now
      </button>
      <small class="away-detail">{away.message}</small>
    </div>
  );
}
