import { unlessAborted } from './deadline.ts';
import { UnauthorizedError } from './errors.ts';

/** A token, or what gives one. `refused` is the one that the API has just refused, if there was one. */
export type TokenSource = string | ((refused?: string) => string | Promise<string>);

/** Sends a request with credentials, and once more with new ones when they were refused and there are others. */
export type Authorize = <T>(
  send: (headers: Record<string, string>) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

/**
 * Makes what a client shows to the API. A token that is given by a function is kept; after a 401 it is fetched anew,
 * once for all requests that were refused with the same one. What the function throws is thrown.
 */
export function createCredentials(token: TokenSource | undefined, apiKey: string | undefined): Authorize {
  if (typeof token !== 'function') {
    const headers = fixedHeaders(token, apiKey);
    return (send) => send(headers);
  }
  let current: Promise<string> | undefined;
  const fetchToken = (refused?: string): Promise<string> => {
    const fetched = Promise.resolve(refused === undefined ? token() : token(refused));
    // What could not be fetched is fetched again by the next request.
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
      // Whoever is refused first fetches; the others find that there is a newer one already.
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
