/** What a caller may do: read, submit tasks, or operate (cancel, retry, pause, read the audit trail). */
export const SCOPES = ['read', 'submit', 'operate'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who makes a request, and what for. */
export type Principal = {
  /** As the audit trail and rate limits know it: `user:<sub>`, `key:<id>`, or `anonymous`. */
  actor: string;
  /** The namespaces it may see and act in; null is all of them. */
  namespaces: readonly string[] | null;
  scopes: ReadonlySet<Scope>;
  /** When its credentials are no longer good, in milliseconds since 1970, if ever. */
  endsAtMs?: number;
};

/** Everybody, as long as nobody has to say who they are. */
export const ANONYMOUS: Principal = { actor: 'anonymous', namespaces: null, scopes: new Set(SCOPES) };

/** What came with a request to tell who makes it. */
export type Credentials = { authorization: string | undefined; apiKey: string | undefined };

/**
 * Tells who makes a request; null when it does not say. Throws UNAUTHORIZED for credentials that are no good, and
 * SERVICE_UNAVAILABLE when the keys that tokens are signed with can't be fetched.
 */
export type Authenticate = (credentials: Credentials) => Promise<Principal | null>;
