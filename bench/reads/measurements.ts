import { listErrorGroups } from '../../store/operators/errors.ts';
import { readNameDepths } from '../../store/stats/namespaces.ts';
import { readFinished } from '../../store/stats/stats.ts';
import { countOpen } from '../../store/stats/stats_open.ts';
import type { TaskFilter } from '../../store/tasks/filter.ts';
import { countTasks, listTasks } from '../../store/tasks/list.ts';
import { getTask, listAttempts } from '../../store/tasks/tasks.ts';
import { FINDABLE } from './fill.ts';
import { type Ledger, PAGE_SIZE } from './ledger.ts';

/** One read: with the functions of the store, and with a path of the API. */
export type Measurement = {
  name: string;
  store?: (ledger: Ledger) => Promise<unknown>;
  path?: (ledger: Ledger) => string;
};

const everything = { namespaces: null };
/** The periods that the API reads: in one interval, or in the intervals of its answer. */
const lastHour = { windowMinutes: 60 };
const lastHourByMinutes = { windowMinutes: 60, intervalMinutes: 1 };
const lastDayByHours = { windowMinutes: 24 * 60, intervalMinutes: 60 };

/**
 * The first page of a filter. `query` is the same filter for the API, which also counts the tasks.
 */
function firstPage(by: string, filter: TaskFilter, query: Record<string, string>): Measurement {
  const parameters = new URLSearchParams({ page_size: String(PAGE_SIZE), ...query });
  return {
    name: `first page ${by}`,
    store: ({ pool }) => listTasks(pool, filter, { size: PAGE_SIZE, offset: 0, before: undefined }),
    path: () => `/v1/tasks?${parameters}`,
  };
}

function total(of: string, filter: TaskFilter): Measurement {
  return { name: `total ${of}`, store: ({ pool }) => countTasks(pool, filter) };
}

/** The reads, in the order of the table. */
export const MEASUREMENTS: readonly Measurement[] = [
  firstPage('of all', {}, {}),
  firstPage('by name', { name: FINDABLE.name }, { name: FINDABLE.name }),
  firstPage('by namespace', { namespaces: [FINDABLE.namespace] }, { namespace: FINDABLE.namespace }),
  firstPage('by state failed', { states: ['failed'] }, { state: 'failed' }),
  firstPage('by a tag of 1 in 10', { tag: FINDABLE.commonTag }, { tag: FINDABLE.commonTag }),
  firstPage('by a tag of 1 in 1,000', { tag: FINDABLE.uncommonTag }, { tag: FINDABLE.uncommonTag }),
  firstPage('by a tag of 200 tasks', { tag: FINDABLE.rareTag }, { tag: FINDABLE.rareTag }),
  firstPage(
    'by an initiator of 1 in 10',
    { initiator: FINDABLE.commonInitiator },
    { initiator: FINDABLE.commonInitiator },
  ),
  firstPage(
    'by an initiator of 200 tasks',
    { initiator: FINDABLE.rareInitiator },
    { initiator: FINDABLE.rareInitiator },
  ),
  {
    name: 'page by cursor in the middle',
    store: ({ pool, middleId }) => listTasks(pool, {}, { size: PAGE_SIZE, offset: 0, before: middleId }),
    path: ({ middleCursor }) => `/v1/tasks?page_size=${PAGE_SIZE}&cursor=${middleCursor}`,
  },
  {
    name: 'page by state and cursor in the middle',
    store: ({ pool, middleId }) =>
      listTasks(pool, { states: ['failed'] }, { size: PAGE_SIZE, offset: 0, before: middleId }),
    path: ({ middleCursor }) => `/v1/tasks?state=failed&page_size=${PAGE_SIZE}&cursor=${middleCursor}`,
  },
  total('of all', {}),
  total('by state failed', { states: ['failed'] }),
  {
    name: 'a task',
    store: async ({ pool, middleId }) => {
      await getTask(pool, middleId);
      await listAttempts(pool, middleId);
    },
    path: ({ middleId }) => `/v1/tasks/${middleId}`,
  },
  {
    name: 'statistics of the last hour',
    store: ({ pool }) => Promise.all([readFinished(pool, lastHour, everything), countOpen(pool, everything)]),
    path: () => '/v1/tasks/stats?window_minutes=60',
  },
  {
    name: 'performance of the last hour',
    store: ({ pool }) => readFinished(pool, lastHourByMinutes, everything),
    path: () => '/v1/analytics/performance?window_minutes=60',
  },
  {
    name: 'performance of the last day',
    store: ({ pool }) => readFinished(pool, lastDayByHours, everything),
    path: () => '/v1/analytics/performance?window_minutes=1440',
  },
  {
    name: 'bottlenecks of the last hour',
    store: async ({ pool }) => {
      const { byName } = await readFinished(pool, lastHour, everything);
      await readNameDepths(pool, [...byName.keys()]);
    },
    path: () => '/v1/analytics/bottlenecks?window_minutes=60',
  },
  {
    name: 'groups of errors',
    store: ({ pool }) => listErrorGroups(pool, {}),
    path: () => '/v1/errors',
  },
];
