import { ROOT } from './place.ts';

/** What a user has typed at the sign-in. Null if the API asks for nothing. */
export type Credentials = { kind: 'token' | 'key'; secret: string } | null;

/** One entry per place, because several installations may share an origin. */
const ENTRY = `errand credentials ${ROOT}`;

/** An API key has a prefix of its kind. Anything else is a token. */
export function credentialsOf(typed: string): NonNullable<Credentials> {
  const secret = typed.trim().replace(/^Bearer\s+/i, '');
  return { kind: secret.startsWith('errand_') ? 'key' : 'token', secret };
}

/** The credentials of this tab, which forgets them when it is closed. */
export function storedCredentials(): Credentials {
  const secret = sessionStorage.getItem(ENTRY);
  return secret === null ? null : credentialsOf(secret);
}

/** Keeps credentials for this tab only, or forgets them. */
export function storeCredentials(credentials: Credentials): void {
  if (credentials === null) sessionStorage.removeItem(ENTRY);
  else sessionStorage.setItem(ENTRY, credentials.secret);
}
