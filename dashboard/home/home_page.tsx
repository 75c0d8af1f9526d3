import { useQuery } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Overview, Performance, TaskStats } from '../data/records.ts';
import { useLive } from '../data/use_live.ts';
import { Standing } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { pageUrl } from '../session/place.ts';
import { useClient } from '../session/session.tsx';
import { LiveControl } from '../tasks/live_control.tsx';
import { useTopics } from '../tasks/use_topics.ts';
import { Charts } from './charts.tsx';
import { Names } from './names.tsx';
import { Needs } from './needs.tsx';

const WINDOWS: Record<string, string> = { 60: '1 hour', 360: '6 hours', 1440: '24 hours', 10080: '7 days' };
/** These readings cost the database more than a list, so they come less often. */
const FIGURES_EVERY_MS = 10_000;

/** The first page (specification U1): what needs somebody, with its action, and how the queue does. */
export function HomePage() {
  const client = useClient();
  const { query } = useLocation();
  const [isHeld, setHeld] = useState(false);
  const minutes = query.window !== undefined && query.window in WINDOWS ? query.window : '60';
  const overview = useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => client.request<Overview>('GET', '/v1/overview', { signal }),
  });
  const figures = {
    refetchInterval: isHeld ? (false as const) : FIGURES_EVERY_MS,
    staleTime: FIGURES_EVERY_MS / 2,
  };
  const performance = useQuery({
    queryKey: ['performance', minutes],
    queryFn: ({ signal }) =>
      client.request<Performance>('GET', '/v1/analytics/performance', {
        signal,
        query: { window_minutes: minutes },
      }),
    ...figures,
  });
  const stats = useQuery({
    queryKey: ['stats', minutes],
    queryFn: ({ signal }) =>
      client.request<TaskStats>('GET', '/v1/tasks/stats', { signal, query: { window_minutes: minutes } }),
    ...figures,
  });
  const missed = useLive(useTopics({ state: [] }), isHeld, () => void overview.refetch());
  return (
    <>
      <PageHead title="Home">
        <LiveControl isHeld={isHeld} missed={missed} onHold={setHeld} />
        <WindowChoice minutes={minutes} />
      </PageHead>
      <Standing asked={overview} what="what needs somebody" />
      {overview.data && <Needs overview={overview.data} />}
      <Standing asked={performance} what="the figures" />
      {performance.data && <Charts performance={performance.data} stats={stats.data} isHeld={isHeld} />}
      {stats.data && <Names stats={stats.data} queues={overview.data?.queues ?? []} />}
    </>
  );
}

function WindowChoice({ minutes }: { minutes: string }) {
  const { route } = useLocation();
  return (
    <label class="inline-field">
      <span>Last</span>
      <select
        value={minutes}
        onChange={({ currentTarget }) => route(pageUrl('', `window=${currentTarget.value}`), true)}
      >
        {Object.entries(WINDOWS).map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
