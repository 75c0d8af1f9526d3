import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Client } from '../data/api.ts';
import type { LiveFeed } from '../data/live.ts';
import type { Credentials } from './credentials.ts';

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

export const SessionContext = createContext<Session | null>(null);

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
