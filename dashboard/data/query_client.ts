import { MutationCache, QueryCache, QueryClient } from '@tanstack/preact-query';
import { isAway, messageOf, statusOf } from './api.ts';
import { noteAway, noteBack } from './away.ts';

/** The cache of what was read. `onRefused` runs when the credentials are no longer valid. */
export function createQueryClient(onRefused: () => void): QueryClient {
  const onError = (error: unknown): void => {
    if (isAway(error)) noteAway(messageOf(error), error.retryAfterMs);
    if (statusOf(error) === 401) onRefused();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError, onSuccess: noteBack }),
    mutationCache: new MutationCache({ onError, onSuccess: noteBack }),
    defaultOptions: {
      queries: { retry: false, staleTime: 1_000, refetchOnReconnect: true, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
