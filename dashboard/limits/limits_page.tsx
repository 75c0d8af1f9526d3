import { useLocation } from 'preact-iso';
import type { Limit } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { PageHead, TableBox } from '../parts/page.tsx';
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
      <Standing asked={limits} what="the limits" />
      {data?.limits.length === 0 && (
        <Empty title="No limits">They come from policy.concurrency and policy.rate of the definitions.</Empty>
      )}
      {data && data.limits.length > 0 && <Limits limits={data.limits} />}
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

function Limits({ limits }: { limits: readonly Limit[] }) {
  return (
    <TableBox label="Limits">
      <table>
        <thead>
          <tr>
            <th scope="col">Limit</th>
            <th scope="col">State</th>
            <th scope="col" class="wide">
              Used
            </th>
            <th scope="col">Waiting</th>
            <th scope="col" class="wide">
              Due since
            </th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {limits.map((limit) => (
            <Row key={limit.name} limit={limit} />
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

function Row({ limit }: { limit: Limit }) {
  const { name, setting } = limit;
  return (
    <tr>
      <td class="task-cell">
        <PageLink to={`limits/${encodeURIComponent(name)}`}>{name}</PageLink>
        <span class="sub">
          {valueInWords(limit.limit, limit)}
          {setting?.has_limit && ` instead of ${valueInWords(limit.declared, limit)}`}
        </span>
      </td>
      <td>
        <LimitBadge limit={limit} />
        {setting !== null && (
          <span class="sub">
            set{setting.actor !== null && ` by ${setting.actor}`} <Moment time={setting.at} />
            {setting.reason !== null && <> “{setting.reason}”</>}
          </span>
        )}
      </td>
      <td class="wide number">{usedInWords(limit)}</td>
      <td class="number">{count(limit.waiters, limit.waiters_is_capped)}</td>
      <td class="wide">
        <Moment time={limit.oldest_waiter_since} />
      </td>
      <td class="row-actions">
        <LimitActions name={name} isPaused={limit.paused} isSet={setting !== null} isSmall />
      </td>
    </tr>
  );
}
