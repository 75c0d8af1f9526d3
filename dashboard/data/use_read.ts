import { type UseQueryOptions, useQuery, useQueryClient } from '@tanstack/preact-query';
import type { Query } from '../../client/requests/exchange.ts';
import { useClient } from '../session/context.ts';

type Options<Answer> = Omit<UseQueryOptions<Answer>, 'queryKey' | 'queryFn'> & { query?: Query };

/**
 * Reads `GET path` for a component, and keeps the answer by its key. The request leaves at the first rendering. The query
 * library would send it only when the component has been painted, which is a frame or more later.
 */
export function useRead<Answer>(key: readonly unknown[], path: string, given: Options<Answer> = {}) {
  const { query, ...options } = given;
  const client = useClient();
  const queries = useQueryClient();
  const read = {
    ...options,
    queryKey: key,
    queryFn: ({ signal }: { signal: AbortSignal }) => client.request<Answer>('GET', path, { signal, query }),
  };
  const isFirst = options.enabled !== false && queries.getQueryState(key) === undefined;
  if (isFirst) void queries.prefetchQuery({ queryKey: read.queryKey, queryFn: read.queryFn });
  return useQuery<Answer>(read);
}
