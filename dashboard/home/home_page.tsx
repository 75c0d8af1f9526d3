import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Overview, Performance, TaskStats } from '../data/records.ts';
import { useLive } from '../data/use_live.ts';
import { useRead } from '../data/use_read.ts';
import { Standing } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { pageUrl } from '../session/place.ts';
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
  const { query } = useLocation();
  const [isHeld, setHeld] = useState(false);
  const minutes = query.window !== undefined && query.window in WINDOWS ? query.window : '60';
  const overview = useRead<Overview>(['overview'], '/v1/overview');
  const figures = {
    refetchInterval: isHeld ? (false as const) : FIGURES_EVERY_MS,
    staleTime: FIGURES_EVERY_MS / 2,
  };
  const performance = useRead<Performance>(['performance', minutes], '/v1/analytics/performance', {
    query: { window_minutes: minutes },
    ...figures,
  });
  const stats = useRead<TaskStats>(['stats', minutes], '/v1/tasks/stats', {
    query: { window_minutes: minutes },
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
