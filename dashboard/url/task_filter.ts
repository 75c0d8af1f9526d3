import { STATES, type State } from '../data/records.ts';
import { spanMs, startOfSpan } from '../text/time.ts';
import { partsOf } from './parts.ts';

/** The filters of the list of tasks, as the URL has them. Missing ones do not filter. */
export type TaskFilter = {
  [name in TextFilter]?: string;
} & {
  state: State[];
  /** Conditions on the payload, such as `/invoice/id=42`. */
  payload?: string[];
  top_level?: boolean;
  /** Parts of the payload that are columns, such as `/invoice/id`. They filter nothing. */
  fields?: string[];
  cursor?: string;
};

/** The filters that are a text. `created` and `finished` are spans until now, such as `24h`. */
export const TEXT_FILTERS = [
  'name',
  'namespace',
  'tag',
  'initiator',
  'submitted_by',
  'error',
  'error_group',
  'parent_id',
  'created',
  'created_from',
  'created_to',
  'finished',
  'finished_from',
  'finished_to',
] as const;
export type TextFilter = (typeof TEXT_FILTERS)[number];

const STATE_NAMES: ReadonlySet<string> = new Set(STATES);

/** Reads the filters of a query. Unknown values are left out. */
export function readFilter(query: URLSearchParams): TaskFilter {
  const texts = TEXT_FILTERS.flatMap((name) => {
    const value = query.get(name)?.trim();
    const isSpan = name === 'created' || name === 'finished';
    return !value || (isSpan && spanMs(value) === null) ? [] : [[name, value] as const];
  });
  const state = [...new Set(query.getAll('state'))].filter((one): one is State => STATE_NAMES.has(one));
  const cursor = query.get('cursor');
  const payload = query.getAll('payload').filter((one) => one.startsWith('/') && one.includes('='));
  const fields = partsOf(query.get('fields') ?? '');
  return {
    ...(Object.fromEntries(texts) as { [name in TextFilter]?: string }),
    state,
    ...(payload.length > 0 ? { payload } : {}),
    ...(fields.length > 0 ? { fields } : {}),
    ...(query.get('top_level') === 'true' ? { top_level: true } : {}),
    ...(cursor ? { cursor } : {}),
  };
}

/** The query of a filter, always in the same order, so that equal filters have equal URLs. */
export function writeFilter(filter: TaskFilter): string {
  const query = new URLSearchParams();
  for (const state of STATES) if (filter.state.includes(state)) query.append('state', state);
  for (const name of TEXT_FILTERS) if (filter[name]) query.set(name, filter[name]);
  for (const one of filter.payload ?? []) query.append('payload', one);
  if (filter.top_level) query.set('top_level', 'true');
  if (filter.fields?.length) query.set('fields', filter.fields.join(','));
  if (filter.cursor) query.set('cursor', filter.cursor);
  return query.toString();
}

/** The filter with some values changed, on its first page. An empty text removes a filter. */
export function changedFilter(filter: TaskFilter, change: Partial<TaskFilter>): TaskFilter {
  const { cursor: _cursor, ...rest } = { ...filter, ...change };
  return readFilter(new URLSearchParams(writeFilter({ ...rest, state: rest.state ?? [] })));
}

/** What the API is asked for: spans become times. `now` is in ms since 1970. */
export function apiFilter(filter: TaskFilter, now: number): Record<string, string | string[] | boolean> {
  const { created, finished, cursor: _cursor, fields: _fields, state, payload, top_level, ...texts } = filter;
  const from = { created_from: created, finished_from: finished };
  const spans = Object.entries(from).flatMap(([name, span]) => {
    const start = span === undefined ? undefined : startOfSpan(span, now);
    return start === undefined ? [] : [[name, start] as const];
  });
  return {
    ...texts,
    ...Object.fromEntries(spans),
    ...(state.length > 0 ? { state } : {}),
    ...(payload === undefined ? {} : { payload }),
    ...(top_level ? { top_level } : {}),
  };
}

/** How many filters are set. */
export function filterCount(filter: TaskFilter): number {
  const texts = TEXT_FILTERS.filter((name) => filter[name] !== undefined).length;
  return (
    texts + (filter.payload?.length ?? 0) + (filter.state.length > 0 ? 1 : 0) + (filter.top_level ? 1 : 0)
  );
}
