import { keepPreviousData } from '@tanstack/preact-query';
import { useCallback, useMemo, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useLive } from '../data/use_live.ts';
import { type TaskLines, useTasks } from '../data/use_tasks.ts';
import { Empty } from '../parts/notice.tsx';
import { PageHead } from '../parts/page.tsx';
import { pageUrl } from '../session/place.ts';
import { useMay } from '../session/principal.ts';
import { count, counted } from '../text/words.ts';
import { apiFilter, filterCount, readFilter, type TaskFilter, writeFilter } from '../url/task_filter.ts';
import { BulkActions } from './bulk_actions.tsx';
import { Download } from './download.tsx';
import { FilterBar } from './filter_bar.tsx';
import { LiveControl } from './live_control.tsx';
import { TaskTable } from './task_table.tsx';
import { useTopics } from './use_topics.ts';

const PAGE_SIZE = 50;

/** The filter of the URL, and the function that changes both. */
function useTaskFilter(): [TaskFilter, (filter: TaskFilter) => void] {
  const { url, route } = useLocation();
  const search = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  const filter = useMemo(() => readFilter(new URLSearchParams(search)), [search]);
  const change = useCallback((next: TaskFilter) => route(pageUrl('tasks', writeFilter(next))), [route]);
  return [filter, change];
}

/** The list of tasks (specification U2): filters in the URL, pages by cursor, live unless it is held. */
export function TasksPage() {
  const [filter, change] = useTaskFilter();
  const [isHeld, setHeld] = useState(false);
  const mayOperate = useMay('operate');
  const isFirst = filter.cursor === undefined;
  const asked = { ...apiFilter(filter, Date.now()), page_size: PAGE_SIZE, cursor: filter.cursor };
  const tasks = useTasks(['tasks', writeFilter(filter)], asked, {
    ...{ parts: filter.fields, placeholderData: keepPreviousData },
  });
  const missed = useLive(useTopics(filter), isHeld || !isFirst, () => void tasks.refetch());
  const { data } = tasks;
  return (
    <>
      <PageHead title="Tasks" lead={data && <Total list={data} isFiltered={filterCount(filter) > 0} />}>
        <LiveControl isHeld={isHeld} isPossible={isFirst} missed={missed} onHold={setHeld} />
        {data && <Download filter={filter} />}
        {mayOperate && data && <BulkActions filter={filter} />}
      </PageHead>
      <FilterBar filter={filter} onChange={change} />
      {data?.search && <Searched search={data.search} />}
      <TaskTable
        tasks={data?.rows}
        parts={filter.fields}
        asked={tasks}
        what="the tasks"
        isOld={tasks.isPlaceholderData}
        empty={<NoTasks isFiltered={filterCount(filter) > 0} />}
      />
      {data && <Pages filter={filter} list={data} onChange={change} />}
    </>
  );
}

function Total({ list, isFiltered }: { list: TaskLines; isFiltered: boolean }) {
  const what = isFiltered ? 'match' : 'in the ledger';
  return (
    <>
      {list.total_is_estimate ? 'About ' : ''}
      {count(list.total)} {what}
    </>
  );
}

/** How far a search in payloads has looked. */
function Searched({ search }: { search: NonNullable<TaskLines['search']> }) {
  const { looked_at, is_bounded, unread } = search;
  return (
    <p class="hint" role="status">
      Looked into the payloads of {counted(looked_at, 'task')}.{' '}
      {is_bounded && 'There are more: “Older” goes on with them. '}
      {unread > 0 && `${count(unread)} were too large to search.`}
    </p>
  );
}

function NoTasks({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No task matches">Remove a filter, or look at a longer time.</Empty>;
  return <Empty title="No tasks yet">Submitted tasks appear here at once.</Empty>;
}

/** The first page and the next one. Going back is the browser's. */
function Pages(props: { filter: TaskFilter; list: TaskLines; onChange: (filter: TaskFilter) => void }) {
  const { filter, list, onChange } = props;
  const { cursor, ...first } = filter;
  if (cursor === undefined && list.next_cursor === null) return null;
  const next = list.next_cursor;
  return (
    <nav class="pages" aria-label="Pages of the list">
      <button type="button" disabled={cursor === undefined} onClick={() => onChange(first)}>
        Newest
      </button>
      <button
        type="button"
        disabled={next === null}
        onClick={() => next !== null && onChange({ ...filter, cursor: next })}
      >
        Older
      </button>
    </nav>
  );
}
