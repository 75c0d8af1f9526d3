import type { Credentials } from '../session/credentials.ts';
import { API_URL } from '../session/place.ts';

/** Null if the credentials have characters that a subprotocol cannot have. Then pages read now and then. */
export function openSocket(credentials: Credentials): WebSocket | null {
  const protocols = ['errand.v1', ...(credentials === null ? [] : [`errand.bearer.${credentials.secret}`])];
  try {
    return new WebSocket(`${API_URL.replace(/^http/, 'ws')}/ws`, protocols);
  } catch {
    return null;
  }
}
