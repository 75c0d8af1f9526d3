import { createHash } from 'node:crypto';
import type { Principal } from './principal.ts';
import type { VerifiedToken, VerifyToken } from './tokens.ts';

/** For how long at most: a key that is withdrawn is heeded that much later. */
const MAX_AGE_MS = 30_000;
const MAX_TOKENS = 1_000;

/**
 * Verifies a token once in a while instead of at each request (measured: 300 µs and 90 µs of processor time each).
 * Only tokens that hold are remembered, by their SHA-256, the oldest making room, and none beyond its `exp`.
 */
export function rememberTokens(verify: VerifyToken): (token: string) => Promise<Principal> {
  const remembered = new Map<string, { principal: Principal; untilMs: number }>();

  function remember(digest: string, principal: VerifiedToken): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= MAX_TOKENS && oldest !== undefined) remembered.delete(oldest);
    remembered.set(digest, { principal, untilMs: Math.min(principal.endsAtMs, Date.now() + MAX_AGE_MS) });
  }

  return async (token) => {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = remembered.get(digest);
    if (known !== undefined && Date.now() < known.untilMs) return known.principal;
    remembered.delete(digest);
    const verified = await verify(token);
    remember(digest, verified);
    return verified;
  };
}
