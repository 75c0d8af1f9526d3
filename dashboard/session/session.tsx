import { type QueryClient, QueryClientProvider } from '@tanstack/preact-query';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { clientFor } from '../data/api.ts';
import { createLiveFeed } from '../data/live.ts';
import { createQueryClient } from '../data/query_client.ts';
import { openSocket } from '../data/socket.ts';
import { type Session, SessionContext } from './context.ts';
import { type Credentials, storeCredentials, storedCredentials } from './credentials.ts';

type Held = { credentials: Credentials; wasRefused: boolean; round: number };

/** Keeps the credentials of the tab, and everything that was read with them. */
export function SessionProvider({ children }: { children: ComponentChildren }) {
  const [held, setHeld] = useState<Held>(() => ({
    ...{ credentials: storedCredentials(), wasRefused: false, round: 0 },
  }));
  const value = useMemo<{ session: Session; queries: QueryClient }>(() => {
    const change = (credentials: Credentials, wasRefused: boolean): void => {
      // A page reads several things at once. Only the first refusal counts, and none of a session before
      setHeld((now) => (now === held ? { credentials, wasRefused, round: held.round + 1 } : now));
    };
    const queries = createQueryClient(() => {
      if (held.credentials !== null) change(null, true);
    });
    const session: Session = {
      ...held,
      client: clientFor(held.credentials),
      live: createLiveFeed(() => openSocket(held.credentials)),
      signIn: (credentials) => change(credentials, false),
      signOut: () => change(null, false),
    };
    return { session, queries };
  }, [held]);
  useEffect(() => storeCredentials(held.credentials), [held]);
  useEffect(() => () => value.session.live.close(), [value]);
  return (
    <SessionContext.Provider value={value.session}>
      <QueryClientProvider key={held.round} client={value.queries}>
        {children}
      </QueryClientProvider>
    </SessionContext.Provider>
  );
}
