import { ErrandError } from '../../core/errors.ts';

const RETRY_AFTER_SECS = '1';

/** One client may have at most this many times the free rest. */
const TIMES_THE_REST = 4;

/** A limited resource, and each client's part of it. */
export type Shares = {
  total(): number;
  /**
   * Takes an amount for a client, and gives the function that releases it. Throws RATE_LIMITED if the client
   * has used up its share, and SERVICE_UNAVAILABLE if nothing is left for anybody.
   */
  take(client: string, amount?: number): () => void;
};

/**
 * Divides a limited resource among clients that come and go, so that no client can take everything. A client
 * may have four times what is free (the dynamic thresholds of Choudhury and Hahne, which switches use to
 * divide their buffers). One client alone gets four fifths, two get four ninths each. However many clients
 * take their maximum, something is left for the next one. `what` describes the taken amount in error
 * messages, such as "streams are open".
 */
export function createShares(limit: number, what: string): Shares {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    total: () => total,
    take(client, amount = 1) {
      const own = (taken.get(client) ?? 0) + amount;
      if (total + amount > limit) throw full(`${limit} ${what}`);
      if (own > TIMES_THE_REST * (limit - total))
        throw overShare(`${own - amount} of ${limit} ${what} for you`);
      total += amount;
      taken.set(client, own);
      return once(() => {
        total -= amount;
        const rest = (taken.get(client) ?? 0) - amount;
        if (rest > 0) taken.set(client, rest);
        else taken.delete(client);
      });
    },
  };
}

function once(release: () => void): () => void {
  let isReleased = false;
  return () => {
    if (!isReleased) release();
    isReleased = true;
  };
}

function full(what: string): ErrandError {
  return new ErrandError('SERVICE_UNAVAILABLE', `${what}: try again`, {
    reason: 'in_flight',
    headers: { 'Retry-After': RETRY_AFTER_SECS },
  });
}

function overShare(what: string): ErrandError {
  return new ErrandError(
    'RATE_LIMITED',
    `${what}, and the rest is reserved for other clients: try again when you use fewer`,
    {
      reason: 'share',
      headers: { 'Retry-After': RETRY_AFTER_SECS },
    },
  );
}
