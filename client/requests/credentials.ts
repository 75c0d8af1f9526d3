import { UnauthorizedError } from '../errors.ts';
import { unlessAborted } from './deadline.ts';

/** A token, or a function that gives one. `refused` is the token that the API has just refused, if any. */
export type TokenSource = string | ((refused?: string) => string | Promise<string>);

/**
 * Sends a request with credentials. If they are refused and new ones exist, sends it once more with those.
 */
export type Authorize = <T>(
  send: (headers: Record<string, string>) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

/**
 * Makes the credentials of a client. A token from a function is kept. After a 401 it is fetched again, once
 * for all requests that were refused with the same token. Errors of the function are thrown.
 */
export function createCredentials(token: TokenSource | undefined, apiKey: string | undefined): Authorize {
  if (typeof token !== 'function') {
    const headers = fixedHeaders(token, apiKey);
    return (send) => send(headers);
  }
  let current: Promise<string> | undefined;
  const fetchToken = (refused?: string): Promise<string> => {
    const fetched = Promise.resolve(refused === undefined ? token() : token(refused));
    // After a failure, the next request fetches again.
    fetched.catch(() => {
      if (current === fetched) current = undefined;
    });
    current = fetched;
    return fetched;
  };
  return async (send, signal) => {
    const used = current ?? fetchToken();
    const shown = await unlessAborted(used, signal);
    try {
      return await send(bearer(shown));
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      // The first refused request fetches a new token. The others find that there is a newer one.
      const newer = current === used || current === undefined ? fetchToken(shown) : current;
      return await send(bearer(await unlessAborted(newer, signal)));
    }
  };
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function fixedHeaders(token: string | undefined, apiKey: string | undefined): Record<string, string> {
  return {
    ...(token === undefined ? {} : bearer(token)),
    ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
  };
}
