import { useMemo } from 'preact/hooks';
import type { Runner, WaitingQueue } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Card } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { count, counted } from '../text/words.ts';
import { type VersionRow, versionsOf } from './deployment.ts';

/** At a deployment: the versions of the runners beside the versions that wait. */
export function Versions(props: { runners: readonly Runner[]; queues: readonly WaitingQueue[] }) {
  const { runners, queues } = props;
  const rows = useMemo(() => versionsOf(runners, queues), [runners, queues]);
  if (rows.length === 0) return null;
  return (
    <Card title="Versions side by side" class="below">
      <Table
        label="Versions of definitions"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ name, version }) => `${name} ${version}`}
      />
    </Card>
  );
}

const COLUMNS: readonly Column<VersionRow>[] = [
  {
    title: 'Definition',
    class: 'task-cell',
    cell: ({ name }) => (
      <PageLink to="tasks" query={`state=queued&state=retrying&name=${encodeURIComponent(name)}`}>
        {name}
      </PageLink>
    ),
  },
  { title: 'Version', cell: ({ version }) => version },
  {
    title: 'Runners',
    class: 'number',
    cell: ({ runners }) => (runners === 0 ? <span class="muted">none</span> : counted(runners, 'runner')),
  },
  {
    title: 'Tasks that wait',
    class: 'number',
    cell: ({ tasks, isNewer }) => (
      <>
        {tasks === 0 ? <span class="muted">0</span> : count(tasks)}
        {isNewer && <span class="sub error-text">newer than every runner: they wait for a new one</span>}
      </>
    ),
  },
];
