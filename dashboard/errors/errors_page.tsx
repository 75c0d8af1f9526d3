import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { ErrorGroup } from '../data/records.ts';
import { useLive } from '../data/use_live.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { PageHead, TableBox } from '../parts/page.tsx';
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
      <Standing asked={groups} what="the errors" />
      {data?.groups.length === 0 && (
        <Empty title={which === 'open' ? 'No open errors' : `No ${which} errors`}>
          Failed tasks appear here in groups.
        </Empty>
      )}
      {data && data.groups.length > 0 && <Groups groups={data.groups} />}
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

function Groups({ groups }: { groups: readonly ErrorGroup[] }) {
  const [retried, setRetried] = useState<string | null>(null);
  const [decided, setDecided] = useState<{ group: ErrorGroup; decision: Decision } | null>(null);
  return (
    <TableBox label="Groups of errors">
      <table>
        <thead>
          <tr>
            <th scope="col">Tasks</th>
            <th scope="col">Error</th>
            <th scope="col" class="wide">
              First
            </th>
            <th scope="col">Last</th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <GroupRow
              key={group.error_group}
              group={group}
              onRetry={() => setRetried(group.error_group)}
              onDecide={(decision) => setDecided({ group, decision })}
            />
          ))}
        </tbody>
      </table>
      {retried !== null && <BulkDialog kind="retry" errorGroup={retried} onClose={() => setRetried(null)} />}
      {decided !== null && <DecideError {...decided} onClose={() => setDecided(null)} />}
    </TableBox>
  );
}

function GroupRow(props: { group: ErrorGroup; onRetry: () => void; onDecide: (decision: Decision) => void }) {
  const { group, onRetry, onDecide } = props;
  const mayOperate = useMay('operate');
  const { error_group, name, error_type, message, count: failed, count_is_capped, status } = group;
  return (
    <tr>
      <td class="number big">{count(failed, count_is_capped)}</td>
      <td class="task-cell">
        <PageLink to={`errors/${encodeURIComponent(error_group)}`}>
          {error_type}: {firstLine(message, 140)}
        </PageLink>
        <span class="sub">
          {name}
          {status === 'regressed' && <span class="tag new">regressed</span>}
        </span>
      </td>
      <td class="wide">
        <Moment time={group.first_seen} />
        <span class="sub">version {group.first_version}</span>
      </td>
      <td>
        <Moment time={group.last_seen} />
        <span class="sub">version {group.last_version}</span>
      </td>
      <td class="row-actions">
        {mayOperate && (
          <>
            <button type="button" class="small" onClick={onRetry}>
              Retry all …
            </button>
            {decisionsFor(status).map((decision) => (
              <button key={decision} type="button" class="small wide" onClick={() => onDecide(decision)}>
                {DECISIONS[decision].title}
              </button>
            ))}
          </>
        )}
      </td>
    </tr>
  );
}
