import { useLocation } from 'preact-iso';
import type { Limit } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { pageUrl } from '../session/place.ts';
import { count } from '../text/words.ts';
import { LimitActions } from './limit_actions.tsx';
import { LimitBadge, usedInWords, valueInWords } from './limit_value.tsx';

type LimitList = { limits: Limit[]; next_cursor: string | null };
const FILTERS = ['waiting', 'paused'] as const;

/** The limits: their values, what is used of them, and what waits. */
export function LimitsPage() {
  const { query, route } = useLocation();
  const only = FILTERS.find((one) => query[one] === 'true');
  const { cursor } = query;
  const limits = useRead<LimitList>(['limits', only, cursor], '/v1/limits', {
    query: { ...(only && { [only]: true }), cursor },
    refetchInterval: 5_000,
  });
  const { data } = limits;
  return (
    <>
      <PageHead title="Limits" lead="How much runs at a time, or starts in a period" />
      <fieldset class="states">
        <legend class="hidden">Only these</legend>
        {FILTERS.map((one) => (
          <button
            key={one}
            type="button"
            class="toggle state-running"
            aria-pressed={one === only}
            onClick={() => route(pageUrl('limits', one === only ? '' : `${one}=true`))}
          >
            {one}
          </button>
        ))}
      </fieldset>
      <Table
        label="Limits"
        columns={COLUMNS}
        rows={data?.limits}
        keyOf={({ name }) => name}
        asked={limits}
        what="the limits"
        empty={
          only === undefined ? (
            <Empty title="No limits">
              They come from policy.concurrency and policy.rate of the definitions.
            </Empty>
          ) : (
            <Empty title={only === 'waiting' ? 'Nothing waits for a limit' : 'No limit is paused'} />
          )
        }
        hasCsv
      />
      {data?.next_cursor && (
        <button
          type="button"
          onClick={() =>
            route(
              pageUrl(
                'limits',
                new URLSearchParams({
                  ...(only && { [only]: 'true' }),
                  cursor: data.next_cursor ?? '',
                }).toString(),
              ),
            )
          }
        >
          More
        </button>
      )}
    </>
  );
}

const COLUMNS: readonly Column<Limit>[] = [
  {
    title: 'Limit',
    class: 'task-cell',
    cell: (limit) => (
      <>
        <PageLink to={`limits/${encodeURIComponent(limit.name)}`}>{limit.name}</PageLink>
        <span class="sub">
          {valueInWords(limit.limit, limit)}
          {limit.setting?.has_limit && ` instead of ${valueInWords(limit.declared, limit)}`}
        </span>
      </>
    ),
  },
  {
    title: 'State',
    cell: (limit) => (
      <>
        <LimitBadge limit={limit} />
        {limit.setting !== null && (
          <span class="sub">
            set{limit.setting.actor !== null && ` by ${limit.setting.actor}`}{' '}
            <Moment time={limit.setting.at} />
            {limit.setting.reason !== null && <> “{limit.setting.reason}”</>}
          </span>
        )}
      </>
    ),
  },
  { title: 'Used', class: 'wide number', cell: usedInWords },
  {
    title: 'Waiting',
    class: 'number',
    cell: ({ waiters, waiters_is_capped }) => count(waiters, waiters_is_capped),
  },
  { title: 'Due since', class: 'wide', cell: (limit) => <Moment time={limit.oldest_waiter_since} /> },
  {
    title: 'Actions',
    isSilent: true,
    class: 'row-actions',
    cell: ({ name, paused, setting }) => (
      <LimitActions name={name} isPaused={paused} isSet={setting !== null} isSmall />
    ),
  },
];
