import { type QueryClient, QueryClientProvider, useQuery } from '@tanstack/preact-query';
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import type { Client } from '../../client/index.ts';
import { clientFor } from '../data/api.ts';
import { createLiveFeed, type LiveFeed } from '../data/live.ts';
import { createQueryClient } from '../data/query_client.ts';
import type { Principal, Scope } from '../data/records.ts';
import { type Credentials, storeCredentials, storedCredentials } from './credentials.ts';

/** The user of this tab. */
export type Session = {
  client: Client;
  credentials: Credentials;
  live: LiveFeed;
  /** Whether the last credentials were refused. */
  wasRefused: boolean;
  signIn(credentials: Credentials): void;
  signOut(): void;
};

const SessionContext = createContext<Session | null>(null);

type Held = { credentials: Credentials; wasRefused: boolean; round: number };

/** Keeps the credentials of the tab, and everything that was read with them. */
export function SessionProvider({ children }: { children: ComponentChildren }) {
  const [held, setHeld] = useState<Held>(() => ({
    ...{ credentials: storedCredentials(), wasRefused: false, round: 0 },
  }));
  const value = useMemo<{ session: Session; queries: QueryClient }>(() => {
    const change = (credentials: Credentials, wasRefused: boolean): void => {
      storeCredentials(credentials);
      setHeld(({ round }) => ({ credentials, wasRefused, round: round + 1 }));
    };
    const queries = createQueryClient(() => {
      if (held.credentials !== null) change(null, true);
    });
    const session: Session = {
      ...held,
      client: clientFor(held.credentials),
      live: createLiveFeed(held.credentials),
      signIn: (credentials) => change(credentials, false),
      signOut: () => change(null, false),
    };
    return { session, queries };
  }, [held]);
  useEffect(() => () => value.session.live.close(), [value]);
  return (
    <SessionContext.Provider value={value.session}>
      <QueryClientProvider key={held.round} client={value.queries}>
        {children}
      </QueryClientProvider>
    </SessionContext.Provider>
  );
}

/** The session of this tab. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('There is no session around this component');
  return session;
}

/** The client of the session. */
export function useClient(): Client {
  return useSession().client;
}

/** Who the credentials stand for. */
export function usePrincipal() {
  const client = useClient();
  return useQuery({
    queryKey: ['principal'],
    queryFn: ({ signal }) => client.request<Principal>('GET', '/v1/principal', { signal }),
    staleTime: 60_000,
  });
}

/** Whether the user has a scope. While that is not known, no. */
export function useMay(scope: Scope): boolean {
  return usePrincipal().data?.scopes.includes(scope) ?? false;
}
