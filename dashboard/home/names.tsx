import { useMemo } from 'preact/hooks';
import type { TaskStats, WaitingQueue } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Empty } from '../parts/notice.tsx';
import { Card } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { duration } from '../text/time.ts';
import { count, counted, percent } from '../text/words.ts';
import { type Name, shownNames } from './shown_names.ts';

/** Each name with its open tasks and how the ended ones did. */
export function Names({ stats, queues }: { stats: TaskStats; queues: readonly WaitingQueue[] }) {
  const waits = new Map(queues.map(({ name, oldest_wait_ms }) => [name, oldest_wait_ms]));
  const { names, quietSteps } = useMemo(() => shownNames(stats.names), [stats]);
  const columns = useMemo(() => columnsWith(waits), [queues]);
  if (names.length === 0) return <Empty title="No tasks in this time" />;
  return (
    <Card title="Tasks by name">
      {quietSteps > 0 && (
        <p class="hint">
          Without {counted(quietSteps, 'step')} of workflows that neither wait, run nor failed.
        </p>
      )}
      <Table label="Tasks by name" columns={columns} rows={names} keyOf={({ name }) => name} />
    </Card>
  );
}

function columnsWith(waits: ReadonlyMap<string, number>): readonly Column<Name>[] {
  const of = ({ name }: Name): string => `name=${encodeURIComponent(name)}`;
  return [
    {
      ...{ title: 'Name', class: 'task-cell' },
      cell: (one) => (
        <PageLink to="tasks" query={of(one)}>
          {one.name}
        </PageLink>
      ),
    },
    {
      ...{ title: 'Wait', class: 'number' },
      cell: (one) => (
        <Amount
          value={one.open.queued + one.open.retrying}
          query={`state=queued&state=retrying&${of(one)}`}
        />
      ),
    },
    {
      ...{ title: 'Run', class: 'number' },
      cell: (one) => <Amount value={one.open.running} query={`state=running&${of(one)}`} />,
    },
    {
      ...{ title: 'Failed', class: 'number' },
      cell: (one) => <Amount value={one.finished.failed} query={`state=failed&${of(one)}`} isBad />,
    },
    { title: 'Succeeded', class: 'wide number', cell: ({ finished }) => count(finished.succeeded) },
    {
      ...{ title: 'Success', class: 'wide number' },
      cell: ({ success_rate }) => (success_rate === null ? '–' : percent(success_rate)),
    },
    {
      ...{ title: '95 % within', class: 'wide number' },
      cell: ({ processing_seconds: { p95 } }) => (p95 === null ? '–' : duration(p95 * 1_000)),
    },
    {
      ...{ title: 'Oldest wait', class: 'wide number' },
      cell({ name }) {
        const waitMs = waits.get(name);
        return waitMs === undefined ? '–' : duration(waitMs);
      },
    },
  ];
}

function Amount({ value, query, isBad = false }: { value: number; query: string; isBad?: boolean }) {
  if (value === 0) return <span class="muted">0</span>;
  return (
    <span class={isBad ? 'bad' : undefined}>
      <PageLink to="tasks" query={query}>
        {count(value)}
      </PageLink>
    </span>
  );
}
