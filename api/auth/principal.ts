/** The rights of a caller: read, submit tasks, or operate (cancel, retry, pause, read the audit trail). */
export const SCOPES = ['read', 'submit', 'operate'] as const;
export type Scope = (typeof SCOPES)[number];

/** The caller of a request, with its rights. */
export type Principal = {
  /** The caller's name in the audit trail and in rate limits: `user:<sub>`, `key:<id>`, or `anonymous`. */
  actor: string;
  /** The namespaces that the caller may see and act in; null means all. */
  namespaces: readonly string[] | null;
  scopes: ReadonlySet<Scope>;
  /** When the credentials expire, in milliseconds since 1970. Missing if they never expire. */
  endsAtMs?: number;
  /**
   * The identity by which credentials can be revoked, besides the actor: the `jti` of a token, or the
   * fingerprint of a key's entry.
   */
  credential?: string;
};

/** Every caller, as long as authentication is off. */
export const ANONYMOUS: Principal = { actor: 'anonymous', namespaces: null, scopes: new Set(SCOPES) };

/** The credentials that a request carries. */
export type Credentials = { authorization: string | undefined; apiKey: string | undefined };

/** Whether a principal's credentials are still valid, that is, neither revoked nor changed. */
export type Holds = (principal: Principal) => boolean;

/**
 * Finds the principal of credentials; null if there are none. Throws UNAUTHORIZED for invalid credentials,
 * and SERVICE_UNAVAILABLE if the signing keys of tokens cannot be fetched. Without `holds`, nothing can be
 * revoked.
 */
export type Authenticate = {
  (credentials: Credentials): Promise<Principal | null>;
  holds?: Holds;
};
