import { keepPreviousData } from '@tanstack/preact-query';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { AuditEntry } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { TextField } from '../parts/confirm.tsx';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { Card, PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { pageUrl } from '../session/place.ts';
import { BulkStanding } from '../tasks/bulk_standing.tsx';
import { count } from '../text/words.ts';
import { bulkOf, type FoldedEntry, foldEntries } from './fold.ts';

type AuditList = { entries: AuditEntry[]; next_cursor: string | null };
const FILTERS = { actor: 'Actor', action: 'Action', namespace: 'Namespace' } as const;
type Filters = Partial<Record<keyof typeof FILTERS | 'bulk_id' | 'task_id' | 'cursor', string>>;

/** What operators did, the last first. A bulk operation is one line. */
export function AuditPage() {
  const { query } = useLocation();
  const { actor, action, namespace, bulk_id, task_id, cursor } = query;
  const filters: Filters = { actor, action, namespace, bulk_id, task_id, cursor } as Filters;
  const entries = useRead<AuditList>(['audit', filters], '/v1/audit', {
    query: { ...filters, page_size: 50 },
    placeholderData: keepPreviousData,
  });
  const { data } = entries;
  return (
    <>
      <PageHead title="Audit" lead="Who did what, and why" />
      <FilterForm filters={filters} />
      {bulk_id !== undefined && (
        <Card title="One bulk operation" actions={<PageLink to="audit">Show everything</PageLink>}>
          <BulkStanding id={bulk_id} isDone isLinked={false} />
        </Card>
      )}
      <Standing asked={entries} what="the audit trail" />
      {data?.entries.length === 0 && (
        <Empty title="Nothing was done">Operations of people appear here.</Empty>
      )}
      {data && data.entries.length > 0 && <Entries entries={foldEntries(data.entries)} />}
      {data && <Older filters={filters} next={data.next_cursor} />}
    </>
  );
}

function queryOf(filters: Filters): string {
  const set = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '');
  return new URLSearchParams(set as [string, string][]).toString();
}

function FilterForm({ filters }: { filters: Filters }) {
  const { route } = useLocation();
  const [typed, setTyped] = useState<Filters>({});
  const key = queryOf(filters);
  // What was typed is forgotten when the filter has changed
  useEffect(() => setTyped({}), [key]);
  return (
    <form
      class="grid-form"
      onSubmit={(event) => {
        event.preventDefault();
        const { cursor: _cursor, ...rest } = filters;
        route(pageUrl('audit', queryOf({ ...rest, ...typed })));
      }}
    >
      {Object.entries(FILTERS).map(([name, title]) => (
        <TextField
          key={name}
          label={title}
          value={typed[name as keyof Filters] ?? filters[name as keyof Filters] ?? ''}
          onInput={(value) => setTyped({ ...typed, [name]: value })}
        />
      ))}
      <button type="submit">Filter</button>
    </form>
  );
}

function Older({ filters, next }: { filters: Filters; next: string | null }) {
  const { route } = useLocation();
  const { cursor, ...first } = filters;
  if (cursor === undefined && next === null) return null;
  return (
    <nav class="pages" aria-label="Pages of the trail">
      <button
        type="button"
        disabled={cursor === undefined}
        onClick={() => route(pageUrl('audit', queryOf(first)))}
      >
        Newest
      </button>
      <button
        type="button"
        disabled={next === null}
        onClick={() => next !== null && route(pageUrl('audit', queryOf({ ...filters, cursor: next })))}
      >
        Older
      </button>
    </nav>
  );
}

function Entries({ entries }: { entries: readonly FoldedEntry[] }) {
  return (
    <Table
      label="Audit trail"
      columns={COLUMNS}
      rows={entries}
      keyOf={({ entry }) => String(entry.id)}
      hasCsv
    />
  );
}

const COLUMNS: readonly Column<FoldedEntry>[] = [
  { title: 'When', cell: ({ entry }) => <Moment time={entry.at} /> },
  { title: 'Who', cell: ({ entry }) => entry.actor },
  { title: 'What', cell: (folded) => <What {...folded} /> },
  { title: 'Why', class: 'wide', cell: ({ entry }) => entry.reason ?? <span class="muted">–</span> },
];

function What({ entry, others }: FoldedEntry) {
  const { action, task_id, target, namespace, details } = entry;
  const bulk = bulkOf(entry);
  return (
    <>
      <strong>{action.replaceAll('_', ' ')}</strong> {target ?? namespace}
      {task_id !== null && (
        <>
          {' '}
          <TaskLink id={task_id} />
        </>
      )}
      {others > 0 && <span class="tag">and {count(others)} more tasks</span>}
      <span class="sub">
        {bulk !== null && (
          <PageLink to="audit" query={`bulk_id=${bulk}`}>
            Task by task
          </PageLink>
        )}
        {details !== null && (
          <details>
            <summary>Details</summary>
            <code>{JSON.stringify(details)}</code>
          </details>
        )}
      </span>
    </>
  );
}
