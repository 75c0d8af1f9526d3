import { useMemo, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { ErrorGroup } from '../data/records.ts';
import { useLive } from '../data/use_live.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { type Asked, Empty } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { BulkDialog } from '../tasks/bulk_dialog.tsx';
import { LiveControl } from '../tasks/live_control.tsx';
import { useTopics } from '../tasks/use_topics.ts';
import { startOfSpan } from '../text/time.ts';
import { count, firstLine } from '../text/words.ts';
import { DECISIONS, DecideError, type Decision, decisionsFor } from './decide_error.tsx';

type ErrorGroupList = { groups: ErrorGroup[]; is_truncated: boolean };
/** What the list shows, by the choice in the URL. Without one: what needs somebody. */
const STATUSES: Record<string, { title: string; status: ErrorGroup['status'][] }> = {
  open: { title: 'Open', status: ['open', 'regressed'] },
  resolved: { title: 'Resolved', status: ['resolved'] },
  ignored: { title: 'Ignored', status: ['ignored'] },
};
const SPANS: Record<string, string> = { '': 'any time', '1h': '1 hour', '24h': '24 hours', '7d': '7 days' };

/** The groups of errors (specification U4): how many, since when, in which versions; retried all at once. */
export function ErrorsPage() {
  const { query } = useLocation();
  const [isHeld, setHeld] = useState(false);
  const which = query.show !== undefined && query.show in STATUSES ? query.show : 'open';
  const since = query.since ?? '';
  const groups = useRead<ErrorGroupList>(['errors', which, since], '/v1/errors', {
    query: { status: STATUSES[which]?.status, since: startOfSpan(since, Date.now()) },
  });
  const missed = useLive(useTopics({ state: [] }), isHeld, () => void groups.refetch());
  const { data } = groups;
  return (
    <>
      <PageHead title="Errors" lead="Failed tasks, grouped by what went wrong">
        <LiveControl isHeld={isHeld} missed={missed} onHold={setHeld} />
      </PageHead>
      <Choices which={which} since={since} />
      <Groups asked={groups} groups={data?.groups} which={which} />
      {data?.is_truncated && <p class="hint">More groups exist than are shown.</p>}
    </>
  );
}

function Choices({ which, since }: { which: string; since: string }) {
  const { route } = useLocation();
  const go = (show: string, span: string): void => {
    const query = new URLSearchParams({
      ...(show === 'open' ? {} : { show }),
      ...(span === '' ? {} : { since: span }),
    });
    route(pageUrl('errors', query.toString()));
  };
  return (
    <div class="filter-row">
      <fieldset class="states">
        <legend class="hidden">Show</legend>
        {Object.entries(STATUSES).map(([name, { title }]) => (
          <button
            key={name}
            type="button"
            class="toggle state-running"
            aria-pressed={name === which}
            onClick={() => go(name, since)}
          >
            {title}
          </button>
        ))}
      </fieldset>
      <label class="inline-field">
        <span>Failed within</span>
        <select value={since} onChange={({ currentTarget }) => go(which, currentTarget.value)}>
          {Object.entries(SPANS).map(([span, title]) => (
            <option key={span} value={span}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Groups(props: { asked: Asked; groups: readonly ErrorGroup[] | undefined; which: string }) {
  const { asked, groups, which } = props;
  const mayOperate = useMay('operate');
  const [retried, setRetried] = useState<string | null>(null);
  const [decided, setDecided] = useState<Decided | null>(null);
  const columns = useMemo(() => columnsFor(mayOperate, setRetried, setDecided), [mayOperate]);
  return (
    <>
      <Table
        label="Groups of errors"
        columns={columns}
        rows={groups}
        keyOf={({ error_group }) => error_group}
        asked={asked}
        what="the errors"
        empty={
          <Empty title={which === 'open' ? 'No open errors' : `No ${which} errors`}>
            Failed tasks appear here in groups.
          </Empty>
        }
        hasCsv
      />
      {retried !== null && <BulkDialog kind="retry" errorGroup={retried} onClose={() => setRetried(null)} />}
      {decided !== null && <DecideError {...decided} onClose={() => setDecided(null)} />}
    </>
  );
}

type Decided = { group: ErrorGroup; decision: Decision };

function columnsFor(
  mayOperate: boolean,
  onRetry: (group: string) => void,
  onDecide: (decided: Decided) => void,
): readonly Column<ErrorGroup>[] {
  return [
    {
      ...{ title: 'Tasks', class: 'number big' },
      cell: (group) => count(group.count, group.count_is_capped),
    },
    {
      ...{ title: 'Error', class: 'task-cell' },
      cell: ({ error_group, error_type, message, name, status }) => (
        <>
          <PageLink to={`errors/${encodeURIComponent(error_group)}`}>
            {error_type}: {firstLine(message, 140)}
          </PageLink>
          <span class="sub">
            {name}
            {status === 'regressed' && <span class="tag new">regressed</span>}
          </span>
        </>
      ),
    },
    {
      ...{ title: 'First', class: 'wide' },
      cell: (group) => <Seen at={group.first_seen} version={group.first_version} />,
    },
    { title: 'Last', cell: (group) => <Seen at={group.last_seen} version={group.last_version} /> },
    {
      ...{ title: 'Actions', isSilent: true, class: 'row-actions' },
      cell: (group) =>
        mayOperate && (
          <>
            <button type="button" class="small" onClick={() => onRetry(group.error_group)}>
              Retry all …
            </button>
            {decisionsFor(group.status).map((decision) => (
              <button
                key={decision}
                type="button"
                class="small wide"
                onClick={() => onDecide({ group, decision })}
              >
                {DECISIONS[decision].title}
              </button>
            ))}
          </>
        ),
    },
  ];
}

function Seen({ at, version }: { at: string; version: string }) {
  return (
    <>
      <Moment time={at} />
      <span class="sub">version {version}</span>
    </>
  );
}
